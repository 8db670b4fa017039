import { describe, expect, it } from 'vitest';
import { columnNote, exact, formatter, sortedRows, tableOf } from '../src/tabledata';
import { mountTable, sizeWords } from '../src/views/table';
import type { Column } from '../src/wire';
import { record } from './records';
import { sourceOf } from './sources';

function column(name: string, kind: Column['kind'], more: Partial<Column> = {}): Column {
  return { name, field: name, dtype: '', kind, index: false, nulls: 0, ...more };
}

const shown = (kind: Column['kind'], cells: unknown[], name = 'x'): string[] =>
  cells.map(formatter(column(name, kind), cells));

describe('tableOf', () => {
  it('reads fields in the order of the columns, whatever they are called', () => {
    const names = ['__proto__', 'constructor', 'toString', 'a'];
    const info = { rows: 1, column_count: 4, columns: names.map(name => column(name, 'text')) };
    const data = '[{"__proto__": "p", "constructor": "c", "toString": "t", "a": "x"}]';
    const table = tableOf(record({ type: 'table', info }), data);
    expect(table.rows).toEqual([['p', 'c', 't', 'x']]);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('takes nothing from prototypes for a field that a row lacks', () => {
    const info = { rows: 1, column_count: 1, columns: [column('constructor', 'text')] };
    expect(tableOf(record({ info }), '[{}]').rows).toEqual([[null]]);
  });

  it.each([
    [
      'a list of objects',
      [
        { a: 1, b: 'x' },
        { b: 'y', c: true }
      ],
      ['a', 'b', 'c'],
      [
        [1, 'x', null],
        [null, 'y', true]
      ]
    ],
    [
      'a list of lists',
      [[1, 2], [3]],
      ['0', '1'],
      [
        [1, 2],
        [3, null]
      ]
    ],
    [
      'an object of lists',
      { a: [1, 2], b: ['x'] },
      ['a', 'b'],
      [
        [1, 'x'],
        [2, null]
      ]
    ],
    ['nothing', null, [], []],
    ['text', 'not JSON', [], []],
    ['a number', 5, [], []]
  ])('reads %s from another client', (_name, data, names, rows) => {
    const table = tableOf(record({ type: 'table' }), data);
    expect(table.columns.map(({ name }) => name)).toEqual(names);
    expect(table.rows).toEqual(rows);
  });

  it('is not misled by a hostile description', () => {
    const info = {
      rows: 'many',
      columns: [
        null,
        3,
        { name: 1 },
        { name: 'a', field: 'a', dtype: {}, kind: 'evil', nulls: 'x' }
      ]
    };
    const table = tableOf(record({ info: info }), '[{"a": 1}]');
    expect(table).toMatchObject({
      rowCount: 1,
      columnCount: 1,
      columns: [{ dtype: '', kind: 'other', nulls: 0 }]
    });
  });
});

describe('cells', () => {
  it('show big integers digit by digit', () => {
    const table = tableOf(record(), '[{"a": 9007199254740993}, {"a": 18446744073709551616}]');
    expect(table.rows.flat().map(exact)).toEqual(['9007199254740993', '18446744073709551616']);
    expect(shown('number', table.rows.flat())).toEqual([
      '9007199254740993',
      '18446744073709551616'
    ]);
  });

  it('group large numbers, not years and identifiers', () => {
    expect(shown('number', [685, 54173])).toEqual(['685', '54,173']);
    expect(shown('number', [2013, 2014])).toEqual(['2013', '2014']);
    expect(shown('number', [10001, 99950], 'zip')).toEqual(['10001', '99950']);
    expect(shown('number', [-0.5, -12345.678])).toEqual(['-0.50', '-12,345.68']);
  });

  it('share their decimals, as few as tell them apart', () => {
    expect(shown('number', [20.215543, 19.9])).toEqual(['20.216', '19.900']);
    expect(shown('number', [0.5, 1.25])).toEqual(['0.50', '1.25']);
    expect(shown('number', [1, 2])).toEqual(['1', '2']);
    expect(shown('number', [1.5e-9, 2])).toEqual(['1.5e-9', '2']);
  });

  it('show days without midnights, and text on one line', () => {
    expect(shown('time', ['2013-01-01T00:00:00', null, '2013-01-02T00:00:00']).slice(0, 1)).toEqual(
      ['2013-01-01']
    );
    expect(shown('time', ['2013-01-01T10:20:30'])).toEqual(['2013-01-01 10:20:30']);
    expect(shown('text', ['a\nb\tc'])).toEqual(['a↵b⇥c']);
    expect(shown('other', [{ a: [1] }, true])).toEqual(['{↵  "a": [↵    1↵  ]↵}', 'true']);
  });
});

describe('order', () => {
  it('puts nulls last either way and keeps equal rows as they were', () => {
    const rows = [
      [2, 'a'],
      [null, 'b'],
      [1, 'c'],
      [2, 'd'],
      [10n ** 20n, 'e']
    ];
    const letters = (descending: boolean): string =>
      sortedRows(rows, 0, descending)
        .map(row => row[1])
        .join('');
    expect(letters(false)).toBe('cadeb');
    expect(letters(true)).toBe('eadcb');
  });
});

describe('words', () => {
  it('say how much is here', () => {
    const table = {
      columns: [column('a', 'text')],
      rows: [['x']],
      rowCount: 1_000_000,
      indexCount: 0,
      columnCount: 512
    };
    expect(sizeWords(table)).toBe('first 1 of 1,000,000 rows × first 1 of 512 columns');
    expect(sizeWords({ ...table, rowCount: 1, columnCount: 1 })).toBe('1 row × 1 column');
    expect(columnNote(column('a', 'number', { dtype: 'float64', nulls: 6 }), 100)).toBe(
      'float64 · 6 % null'
    );
    expect(columnNote(column('a', 'number', { dtype: 'float64', nulls: 1 }), 10_000)).toBe(
      'float64 · few null'
    );
  });
});

describe('levels of the index', () => {
  it('come first and are no columns of the table', () => {
    const columns = [column('carrier', 'text', { index: true }), column('n', 'number')];
    const info = { rows: 1, column_count: 1, columns };
    const table = tableOf(record({ info }), '[{"carrier": "F9", "n": 1}]');
    expect(table.rows).toEqual([['F9', 1]]);
    expect(sizeWords(table)).toBe('1 row × 1 column');
  });
});

async function mounted(rows: number, rowCount = rows): Promise<HTMLElement> {
  const info = {
    rows: rowCount,
    column_count: 2,
    columns: [column('n', 'number'), column('t', 'text', { nulls: 1 })]
  };
  const data = JSON.stringify(
    Array.from({ length: rows }, (_, n) => ({ n, t: n === 0 ? null : `row ${n}` }))
  );
  const host = document.createElement('div');
  document.body.replaceChildren(host);
  await mountTable(
    host,
    sourceOf(record({ type: 'table', info, data })),
    new AbortController().signal
  );
  return host;
}

describe('the grid', () => {
  it('is a grid for assistive technology, of all rows, with few in the page', async () => {
    const host = await mounted(5000);
    const grid = host.querySelector('[role=grid]');
    expect(grid?.getAttribute('aria-rowcount')).toBe('5001');
    expect(grid?.getAttribute('aria-colcount')).toBe('2');
    const rows = host.querySelectorAll('tbody [role=row][aria-rowindex]');
    expect(rows.length).toBeLessThan(200);
    expect(rows[0]?.getAttribute('aria-rowindex')).toBe('2');
    expect(host.querySelectorAll('[role=gridcell][tabindex="0"]').length).toBe(1);
    expect(host.querySelector('td.jp-nba-null')?.textContent).toBe('null');
  });

  it('sorts by a click on a name, back by the next', async () => {
    const host = await mounted(30);
    const first = (): string | null =>
      host.querySelector('tbody [role=row] [role=gridcell]')?.textContent ?? null;
    const name = host.querySelector<HTMLButtonElement>('th button');
    const sort = (): string | null | undefined => name?.closest('th')?.getAttribute('aria-sort');
    name?.click();
    expect([first(), sort()]).toEqual(['0', 'ascending']);
    name?.click();
    expect([first(), sort()]).toEqual(['29', 'descending']);
    name?.click();
    expect([first(), sort()]).toEqual(['0', 'none']);
  });

  it('does not sort what is only a beginning', async () => {
    const host = await mounted(30, 1000);
    expect(host.querySelector('th button')).toBeNull();
    expect(host.textContent).toContain('first 30 of 1,000 rows × 2 columns');
  });

  it('moves by arrow keys', async () => {
    const host = await mounted(30);
    const press = (key: string): boolean =>
      (document.activeElement as HTMLElement).dispatchEvent(
        new KeyboardEvent('keydown', { key, bubbles: true })
      );
    host.querySelector<HTMLElement>('[role=gridcell]')?.focus();
    press('ArrowDown');
    press('ArrowRight');
    expect(document.activeElement?.textContent).toBe('row 1');
    press('Home');
    expect(document.activeElement?.textContent).toBe('1');
  });
});
