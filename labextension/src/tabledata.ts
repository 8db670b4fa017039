/** A table as views need it: columns, rows of cells, order, and how a cell reads. No DOM. */

import { count } from './format';
import { parse, print } from './json';
import type { Column, TableInfo, WireRecord } from './wire';

export type Cell = unknown;

export interface Table {
  columns: Column[];
  rows: Cell[][];
  /** Rows and columns of the whole table, which `rows` and `columns` may be the beginning of; no index levels. */
  rowCount: number;
  columnCount: number;
  /** How many of `columns` are levels of the index. */
  indexCount: number;
}

const MOST_COLUMNS = 200;
const KINDS: readonly Column['kind'][] = ['number', 'text', 'bool', 'time', 'other'];

/** Read a table from a record and its `data`: JSON text, or the JSON itself from other clients. */
export function tableOf(record: WireRecord, data: unknown): Table {
  const value = typeof data === 'string' ? parsed(data) : data;
  const info = record.info as Partial<TableInfo>;
  const described = Array.isArray(info.columns) ? info.columns.filter(isColumn) : [];
  const found = described.length > 0 ? byFields(value, described) : byShape(value);
  const indexCount = found.columns.filter(column => column.index).length;
  const whole = (n: unknown, least: number): number =>
    typeof n === 'number' && n > least ? n : least;
  return {
    ...found,
    rowCount: whole(info.rows, found.rows.length),
    columnCount: whole(info.column_count, found.columns.length - indexCount),
    indexCount
  };
}

function parsed(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return [];
  }
}

function isColumn(value: unknown): value is Column {
  const column = value as Partial<Column> | null;
  return typeof column?.name === 'string' && typeof column.field === 'string';
}

function own(row: unknown, field: string): Cell {
  return row !== null && typeof row === 'object' && Object.hasOwn(row, field)
    ? (row as { [field: string]: unknown })[field]
    : null;
}

function byFields(value: unknown, columns: Column[]): Pick<Table, 'columns' | 'rows'> {
  const records = Array.isArray(value) ? value : [];
  const clean = columns.slice(0, MOST_COLUMNS).map(({ order, ...column }) => ({
    ...column,
    ...(Array.isArray(order) && { order: order.map(String) }),
    dtype: typeof column.dtype === 'string' ? column.dtype : '',
    kind: KINDS.find(kind => kind === column.kind) ?? 'other',
    nulls: typeof column.nulls === 'number' ? column.nulls : 0
  }));
  return {
    columns: clean,
    rows: records.map(record => clean.map(({ field }) => own(record, field)))
  };
}

/** The forms that clients without our types send: list of objects, list of lists, object of lists. */
function byShape(value: unknown): Pick<Table, 'columns' | 'rows'> {
  if (Array.isArray(value)) {
    return value.some(Array.isArray) ? fromLists(value) : fromObjects(value);
  }
  if (value !== null && typeof value === 'object') {
    const names = Object.keys(value).slice(0, MOST_COLUMNS);
    const lists = names.map(name => listOf(own(value, name)));
    const length = Math.max(0, ...lists.map(list => list.length));
    return guessed(
      names,
      Array.from({ length }, (_, row) => lists.map(list => list[row] ?? null))
    );
  }
  return { columns: [], rows: [] };
}

function listOf(value: unknown): Cell[] {
  return Array.isArray(value) ? (value as Cell[]) : [value];
}

function fromObjects(records: unknown[]): Pick<Table, 'columns' | 'rows'> {
  const names = new Set<string>();
  for (const record of records) {
    if (record !== null && typeof record === 'object' && names.size < MOST_COLUMNS) {
      Object.keys(record).forEach(name => names.add(name));
    }
  }
  const shown = [...names].slice(0, MOST_COLUMNS);
  return guessed(
    shown,
    records.map(record => shown.map(name => own(record, name)))
  );
}

function fromLists(lists: unknown[]): Pick<Table, 'columns' | 'rows'> {
  const rows = lists.map(listOf);
  const width = Math.min(MOST_COLUMNS, Math.max(0, ...rows.map(row => row.length)));
  const names = Array.from({ length: width }, (_, index) => String(index));
  return guessed(
    names,
    rows.map(row => names.map((_, index) => row[index] ?? null))
  );
}

function guessed(names: string[], rows: Cell[][]): Pick<Table, 'columns' | 'rows'> {
  const columns = names.map((name, index) => {
    const cells = rows.map(row => row[index]);
    const nulls = cells.filter(cell => cell === null || cell === undefined).length;
    return { name, field: name, dtype: '', kind: kindOf(cells), index: false, nulls };
  });
  return { columns, rows };
}

function kindOf(cells: Cell[]): Column['kind'] {
  const kinds = new Set(
    cells.filter(cell => cell !== null && cell !== undefined).map(cell => typeof cell)
  );
  kinds.delete('undefined');
  const only = kinds.size === 1 ? [...kinds][0] : undefined;
  const numbers =
    [...kinds].every(kind => kind === 'number' || kind === 'bigint') && kinds.size > 0;
  return numbers ? 'number' : only === 'boolean' ? 'bool' : only === 'string' ? 'text' : 'other';
}

const collator = new Intl.Collator(undefined, { numeric: true });

/** Which of two cells that are not null comes first; decimals in text compare as numbers in a column of numbers. */
export function compareCells(a: Cell, b: Cell, number = false): number {
  if (numeric(a) && numeric(b)) {
    return a < b ? -1 : a > b ? 1 : 0;
  }
  if (number) {
    const difference = Number(a) - Number(b);
    if (difference !== 0 && !Number.isNaN(difference)) {
      return difference;
    }
  }
  return collator.compare(exact(a), exact(b));
}

export type Compare = (a: Cell, b: Cell) => number;

const INTERVAL = /^[[(](.+), (.+)[\])]$/s;

/** How the cells of a column compare, none of them null: ordered categories and intervals by their own order. */
export function comparison(column: Column | undefined): Compare {
  const number = column?.kind === 'number';
  const plain: Compare = (a, b) => compareCells(a, b, number);
  if (column?.order) {
    const places = new Map(column.order.map((word, at) => [word, at]));
    return (a, b) => {
      const [one, other] = [places.get(exact(a)), places.get(exact(b))];
      return one === undefined || other === undefined ? plain(a, b) : one - other;
    };
  }
  return column?.dtype.startsWith('interval') ? compareIntervals : plain;
}

function compareIntervals(a: Cell, b: Cell): number {
  const [one, other] = [INTERVAL.exec(exact(a)), INTERVAL.exec(exact(b))];
  return (
    compareCells(end(one?.[1], a), end(other?.[1], b), true) ||
    compareCells(end(one?.[2], a), end(other?.[2], b), true)
  );
}

const end = (text: string | undefined, cell: Cell): Cell =>
  text?.replace('inf', 'Infinity') ?? cell;

function numeric(cell: Cell): cell is number | bigint {
  return typeof cell === 'number' || typeof cell === 'bigint';
}

/** A cell's whole value as text. */
export function exact(cell: Cell): string {
  if (typeof cell === 'string') {
    return cell;
  }
  return typeof cell === 'bigint' ? cell.toString() : print(cell ?? null);
}

/** On one line: nested values as compact JSON. */
function brief(cell: Cell): string {
  return cell !== null && typeof cell === 'object' ? compact(print(cell)) : exact(cell);
}

/** Indented JSON on one line, what stands in strings untouched. */
function compact(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|\n\s*/g, (part, at: number) => {
    if (part.startsWith('"')) {
      return part;
    }
    const tight = '[{'.includes(text[at - 1] ?? '') || ']}'.includes(text[at + part.length] ?? '');
    return tight ? '' : ' ';
  });
}

/** Milliseconds since 1970 of a date or time as cells spell it, without a zone as if in UTC; NaN for anything else. */
export function moment(cell: Cell): number {
  const text = exact(cell);
  const zoned = /(?:Z|[+-]\d\d:\d\d)$/.test(text) || !/[T ]/.test(text);
  return /^\d{4}-\d\d-\d\d/.test(text)
    ? Date.parse(zoned ? text : `${text.replace(' ', 'T')}Z`)
    : NaN;
}

const LONGEST = 300;
const MIDNIGHT = /[T ]00:00:00(?:\.0+)?(?:Z|\+00:00)?$/;
const NAMES_NUMBERS = /(?:^|[_\W])(?:id|ids|year|zip|code|key|no|number)$/i;

/** How the cells of one column read: numbers alike in decimals and grouping, text on one line. */
export function formatter(column: Column, cells: Cell[]): (cell: Cell) => string {
  const numbers = cells.filter(cell => typeof cell === 'number');
  const decimals = decimalsFor(numbers);
  const grouped = numbers.some(n => Math.abs(n) >= 10_000) && !NAMES_NUMBERS.test(column.name);
  const midnight =
    column.kind === 'time' && cells.every(cell => cell === null || MIDNIGHT.test(exact(cell)));
  return cell => {
    if (typeof cell === 'number') {
      return numberText(cell, decimals, grouped);
    }
    const text = brief(cell);
    if (column.kind === 'time') {
      return midnight ? text.slice(0, 10) : text.replace(/^(\d{4}-\d\d-\d\d)T/, '$1 ');
    }
    const shown = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
    return shown.replace(/\r\n|[\n\r]/g, '↵').replace(/\t/g, '⇥');
  };
}

/** Decimals that show about four significant digits of the larger values, and no more than the values have. */
function decimalsFor(numbers: number[]): number {
  const largest = numbers.reduce((most, n) => Math.max(most, Math.abs(n)), 0);
  const wanted = largest >= 1000 ? 2 : largest >= 1 ? 3 : 4;
  let needed = 0;
  for (const n of numbers.filter(n => Math.abs(n) >= 0.5 * 10 ** -wanted)) {
    while (needed < wanted && Number(n.toFixed(needed)) !== n) {
      needed += 1;
    }
  }
  return needed;
}

function numberText(n: number, decimals: number, grouped: boolean): string {
  const size = Math.abs(n);
  if (size >= 1e15 || (n !== 0 && size < 0.5 * 10 ** -decimals)) {
    return String(Number.isInteger(n) && size < 1e21 ? n : Number(n.toPrecision(4)));
  }
  const text = n.toFixed(decimals);
  if (!grouped) {
    return text;
  }
  const [whole = '', fraction] = text.split('.');
  return count(Number(whole)) + (fraction === undefined ? '' : `.${fraction}`);
}

/** "int64 · 6 % null" under a column's name. */
export function columnNote(column: Column, rowCount: number): string {
  const share = rowCount > 0 ? (100 * column.nulls) / rowCount : 0;
  const nulls = column.nulls === 0 ? '' : share < 1 ? 'few null' : `${Math.round(share)} % null`;
  return [column.dtype, nulls].filter(Boolean).join(' · ');
}
