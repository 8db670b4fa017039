import { columnFromValues, tableFromColumns, tableToIPC } from '@uwdata/flechette';
import * as arrow from '@uwdata/flechette';
import { describe, expect, it, vi } from 'vitest';
import { dayText, decimalText, decoded, spanText, timeText } from '../src/arrow';
import { LocalRows, rowWords } from '../src/localrows';
import { ALL, ServerRows, rowsParams } from '../src/rows';
import type { Filter, Rows, View } from '../src/rows';
import { exact, tableOf } from '../src/tabledata';
import { PAGE } from './page';
import { record } from './records';
import { clientOf } from './server';

const NEVER = new AbortController().signal;
const ID = '01a20ce3-9500-746c-94e0-7cc768343bdb';

describe('Arrow pages', () => {
  it('keep every digit', () => {
    const { columns, cells } = decoded(PAGE);
    const words = cells.map(column => column.map(cell => (cell === null ? null : exact(cell))));
    expect(columns.map(({ field, kind, dtype }) => `${field} ${kind} ${dtype}`)).toEqual([
      'big number int64',
      'cents number decimal(30, 2)',
      'at time timestamp',
      'there time timestamp',
      'day time date',
      'clock time time',
      'span time duration',
      'raw other binary',
      'word text string',
      'list other list',
      'struct other struct',
      'half number float64',
      'wide text string'
    ]);
    expect(words).toEqual([
      ['9007199254740993', '-1', null],
      ['123456789012345678.90', '-0.05', null],
      ['2023-11-14T22:13:20.123456789', '1969-12-31T23:59:59.999999999', null],
      ['2023-11-14T23:13:20+01:00', '2023-07-22T06:26:40+02:00', null],
      ['1970-01-01', '1969-12-31', null],
      ['10:20:30.5', '00:00:00', null],
      ['1 days 02:03:04.000500', '-1 days 23:59:59.999999', null],
      ["b'\\x00A\\''", "b''", null],
      ['a', 'b', null],
      ['[\n  9007199254740993,\n  null\n]', '[]', null],
      [
        '{\n  "__proto__": null,\n  "t": "2020-01-02"\n}',
        '{\n  "__proto__": null,\n  "t": null\n}',
        null
      ],
      ['1.5', 'null', null],
      ['x', '', null]
    ]);
    expect(cells[11]?.[1]).toBeNaN();
  });

  it('spell days, decimals and spans as Python does', () => {
    expect([dayText(0n), dayText(-719_162n), dayText(19_000n), dayText(10_957n)]).toEqual([
      '1970-01-01',
      '0001-01-01',
      '2022-01-08',
      '2000-01-01'
    ]);
    expect([decimalText(-5n, 3), decimalText(5n, 0), decimalText(5n, -2)]).toEqual([
      '-0.005',
      '5',
      '500'
    ]);
    expect(spanText(93_784_000_500n, 2)).toBe('1 days 02:03:04.000500');
    expect(spanText(-1n, 0)).toBe('-1 days 23:59:59');
    expect(timeText(0n, 0, '+05:30')).toBe('1970-01-01T05:30:00+05:30');
    expect(timeText(0n, 0, 'No/Where')).toBe('1970-01-01T00:00:00+00:00');
  });
});

describe('requests', () => {
  const view: View = {
    sort: [
      { field: '-a', descending: false },
      { field: 'b,c', descending: true }
    ],
    filter: [{ column: 'x&y', op: 'in', values: [9007199254740993n, null] }],
    q: 'a b'
  };

  it('name columns whatever they are called', () => {
    expect(
      rowsParams({ ...view, offset: 200, limit: 200, columns: ['__proto__', 'b,c'], stride: 5 })
    ).toEqual({
      format: 'arrow',
      offset: '200',
      limit: '200',
      columns: '["__proto__","b,c"]',
      stride: '5',
      sort: '["+-a","-b,c"]',
      filter: '[{"column":"x&y","op":"in","values":["9007199254740993",null]}]',
      q: 'a b'
    });
  });

  it('reach the server encoded, and its counts come back', async () => {
    const bytes = tableToIPC(tableFromColumns({ a: columnFromValues([1, 2], arrow.int32()) }), {
      format: 'stream'
    }) as Uint8Array;
    const headers = {
      'X-NB-Artifacts-Rows': '7',
      'X-NB-Artifacts-Total': '9',
      'X-NB-Artifacts-Store': 's'
    };
    const { client, asked } = clientOf(() => new Response(bytes as BodyInit, { headers }));
    const page = await new ServerRows(client, ID).rows({ ...view, offset: 0, limit: 2 }, NEVER);
    expect([page.rows, page.total, page.cells]).toEqual([7, 9, [[1, 2]]]);
    expect(asked).toEqual([`GET artifacts/${ID}/rows`]);
  });

  it('are made once more where the process that answers has just ended', async () => {
    vi.useFakeTimers();
    const headers = { 'X-NB-Artifacts-Store': 's' };
    const answers = [
      new Response('{"detail": "It ended."}', { status: 503, headers }),
      new Response('{"rows": 1, "total": 1, "columns": []}', { headers })
    ];
    const { client, asked } = clientOf(() => answers.shift() as Response);
    const found = new ServerRows(client, ID).summary(ALL, NEVER);
    await vi.runAllTimersAsync();
    vi.useRealTimers();
    expect([(await found).rows, asked.length]).toEqual([1, 2]);
  });

  it('that are refused say why', async () => {
    const refuse = (): Response =>
      new Response('{"detail": "There is no column z."}', {
        status: 422,
        headers: { 'X-NB-Artifacts-Store': 's' }
      });
    const { client } = clientOf(refuse);
    const rows = new ServerRows(client, ID);
    await expect(rows.rows({ ...ALL, offset: 0, limit: 1 }, NEVER)).rejects.toThrow(
      'There is no column z.'
    );
    await expect(rows.summary(ALL, NEVER)).rejects.toThrow('There is no column z.');
    await expect(rows.export('csv', ALL, null, NEVER)).rejects.toThrow('There is no column z.');
  });
});

describe('rows in the record', () => {
  const data = JSON.stringify([
    { n: 2, t: 'b', d: '10.5' },
    { n: null, t: 'a', d: '9.25' },
    { n: 1, t: null, d: '-3' },
    { n: 2, t: '=1+1', d: '100' },
    { n: 30, t: 'x|y\nz, "q"', d: null }
  ]);
  const columns = [
    { name: 'n', field: 'n', dtype: 'Int64', kind: 'number', index: false, nulls: 1 },
    { name: 't', field: 't', dtype: 'str', kind: 'text', index: false, nulls: 1 },
    { name: 'd', field: 'd', dtype: 'decimal', kind: 'number', index: false, nulls: 1 }
  ];
  const table = tableOf(record({ info: { rows: 5, column_count: 3, columns } }), data);
  const rows = new LocalRows(table);
  const found = async (view: Partial<View>, at = 0, source: Rows = rows): Promise<unknown[]> =>
    (await source.rows({ ...ALL, ...view, offset: 0, limit: 99 }, NEVER)).cells[at] ?? [];
  const by = (field: string, descending = false): Partial<View> => ({
    sort: [{ field, descending }]
  });
  const where = (...filter: Filter[]): Partial<View> => ({ filter });

  it('are sorted, nulls last either way, equal ones as they were', async () => {
    expect(await found(by('n'))).toEqual([1, 2, 2, 30, null]);
    expect(await found(by('n', true))).toEqual([30, 2, 2, 1, null]);
    expect(
      await found(
        {
          sort: [
            { field: 'n', descending: true },
            { field: 'd', descending: true }
          ]
        },
        2
      )
    ).toEqual([null, '100', '10.5', '-3', '9.25']);
    expect(await found(by('d'), 2)).toEqual(['-3', '9.25', '10.5', '100', null]);
  });

  it('go by the order of categories and the ends of intervals', async () => {
    const data = JSON.stringify([
      { size: 'mid', i: '(10.0, 20.0]', n: 3 },
      { size: 'low', i: '(2.0, 15.5]', n: 1 },
      { size: null, i: null, n: null },
      { size: 'high', i: '(2.0, 3.0]', n: 2 },
      { size: 'mid', i: '(-inf, 9.0]', n: 3 }
    ]);
    const column = { index: false, nulls: 1 };
    const columns = [
      {
        ...column,
        name: 'size',
        field: 'size',
        dtype: 'category',
        kind: 'text',
        order: ['low', 'mid', 'high']
      },
      { ...column, name: 'i', field: 'i', dtype: 'interval[float64, right]', kind: 'other' },
      {
        ...column,
        name: 'n',
        field: 'n',
        dtype: 'category',
        kind: 'number',
        order: ['3', '1', '2']
      },
      { ...column, name: 'odd', field: 'odd', dtype: 'category', kind: 'text', order: 7 }
    ];
    const ordered = new LocalRows(
      tableOf(record({ info: { rows: 5, column_count: 4, columns } }), data)
    );
    const sorted = (view: Partial<View>, at: number): Promise<unknown[]> =>
      found(view, at, ordered);
    expect(await sorted(by('size'), 0)).toEqual(['low', 'mid', 'mid', 'high', null]);
    expect(await sorted(by('size', true), 0)).toEqual(['high', 'mid', 'mid', 'low', null]);
    expect(await sorted(by('i'), 1)).toEqual([
      '(-inf, 9.0]',
      '(2.0, 3.0]',
      '(2.0, 15.5]',
      '(10.0, 20.0]',
      null
    ]);
    expect(await sorted(by('n'), 2)).toEqual([3, 3, 1, 2, null]);
    expect(await sorted(where({ column: 'n', op: 'range', min: null, max: 1 }), 2)).toEqual([
      3, 1, 3
    ]);
    const [size, , n] = (await ordered.summary(ALL, NEVER)).columns;
    expect(size?.top?.map(({ value, count }) => [value, count])).toEqual([
      ['low', 1],
      ['mid', 2],
      ['high', 1]
    ]);
    expect([n?.min, n?.max, n?.histogram]).toEqual([3, 2, undefined]);
  });

  it.each<[string, Filter, unknown[]]>([
    ['a range', { column: 'n', op: 'range', min: 2, max: 2 }, ['b', '=1+1']],
    [
      'half a range of decimals',
      { column: 'd', op: 'range', min: '9.5', max: null },
      ['b', '=1+1']
    ],
    ['a set', { column: 't', op: 'in', values: ['a', null] }, ['a', null]],
    ['a text', { column: 't', op: 'contains', text: 'Y' }, ['x|y\nz, "q"']],
    ['nulls', { column: 'n', op: 'null' }, ['a']],
    ['no nulls', { column: 't', op: 'not_null' }, ['b', 'a', '=1+1', 'x|y\nz, "q"']],
    ['one value', { column: 'n', op: 'equals', value: 1 }, [null]]
  ])('are filtered by %s', async (_name, filter, expected) => {
    expect(await found(where(filter), 1)).toEqual(expected);
  });

  it('are found in any column, and every so many of them', async () => {
    expect(await found({ q: '10' }, 2)).toEqual(['10.5', '100']);
    const page = await rows.rows({ ...ALL, offset: 1, limit: 1, stride: 2, columns: ['t'] }, NEVER);
    expect([page.cells, page.rows, page.total]).toEqual([[[null]], 5, 5]);
  });

  it('are summed up', async () => {
    const { columns: all } = await rows.summary(ALL, NEVER);
    expect(all[0]).toMatchObject({ nulls: 1, distinct: 3, min: 1, max: 30 });
    expect(all[0]?.histogram?.reduce((sum, bar) => sum + bar.count, 0)).toBe(4);
    expect(all[1]?.top?.[0]).toEqual({ value: 'b', count: 1 });
    const some = await rows.summary({ ...ALL, q: '10' }, NEVER, ['t']);
    expect([some.rows, some.total, some.columns.length]).toEqual([2, 5, 1]);
  });

  it('are written as files, with no formula in CSV', async () => {
    const file = async (format: 'csv' | 'json' | 'markdown'): Promise<string> => {
      const blob = await rows.export(format, ALL, ['t', 'n'], NEVER);
      return new Promise(resolve => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result as string);
        reader.readAsText(blob);
      });
    };
    expect(await file('csv')).toBe(`t,n\nb,2\na,\n,1\n'=1+1,2\n"x|y\nz, ""q""",30\n`);
    expect((JSON.parse(await file('json')) as unknown[])[2]).toEqual({ t: null, n: 1 });
    expect(await file('markdown')).toContain('| x\\|y<br>z, "q" | 30 |');
    expect(rows.formats).not.toContain('parquet');
  });

  it('are counted in words', () => {
    expect([rowWords(1, 1), rowWords(1234, 1_000_000), rowWords(0, 5)]).toEqual([
      '1 row',
      '1,234 of 1,000,000 rows',
      '0 of 5 rows'
    ]);
  });
});
