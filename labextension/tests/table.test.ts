import { describe, expect, it } from 'vitest';
import { columnNote, exact, formatter, moment, tableOf } from '../src/tabledata';
import type { Column } from '../src/wire';
import { record } from './records';

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
    expect(shown('other', [{ a: [1, { 'b c': ' x' }], e: {} }, true])).toEqual([
      '{"a": [1, {"b c": " x"}], "e": {}}',
      'true'
    ]);
  });
});

describe('times', () => {
  it('are moments, in UTC where no zone is said', () => {
    expect(moment('1970-01-01T00:00:01')).toBe(1000);
    expect(moment('1970-01-01 00:00:01.5')).toBe(1500);
    expect(moment('1970-01-01T01:00:00+01:00')).toBe(0);
    expect(moment('1970-01-02')).toBe(86_400_000);
    expect(moment('2 days 00:00:00')).toBeNaN();
  });
});

describe('words', () => {
  it('say of what type a column is, and how much is null', () => {
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
    expect(table).toMatchObject({ columnCount: 1, indexCount: 1 });
  });
});
