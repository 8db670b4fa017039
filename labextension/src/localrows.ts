/** The rows of a small table, which all stand in the record: found, ordered and summed up in the page. */

import { count } from './format';
import { print } from './json';
import { FORMATS } from './rows';
import type { ColumnSummary, Filter, Format, Page, Rows, RowsQuery, Summary, View } from './rows';
import { comparison, exact, moment } from './tabledata';
import type { Cell, Compare, Table } from './tabledata';
import type { Column } from './wire';

const BARS = 20;
const TOP = 10;

export class LocalRows implements Rows {
  readonly whole: boolean;
  readonly formats: readonly Format[];
  private last: { key: string; rows: Cell[][] } | null = null;
  private readonly places: Map<string, number>;

  /** Files are made by `server` where there is one: it has the table with its dtypes. */
  constructor(
    private readonly table: Table,
    private readonly server: Rows | null = null
  ) {
    this.whole = table.rows.length >= table.rowCount;
    this.formats = server ? FORMATS : FORMATS.filter(format => format !== 'parquet');
    this.places = new Map(table.columns.map(({ field }, at) => [field, at]));
  }

  rows(query: RowsQuery, _signal: AbortSignal): Promise<Page> {
    return Promise.resolve().then(() => this.page(query));
  }

  summary(view: View, _signal: AbortSignal, fields?: string[]): Promise<Summary> {
    return Promise.resolve().then(() => this.sums(view, fields));
  }

  async export(
    format: Format,
    view: View,
    fields: string[] | null,
    signal: AbortSignal
  ): Promise<Blob> {
    if (this.server) {
      return this.server.export(format, view, fields, signal);
    }
    const all = this.table.columns;
    const columns = fields
      ? fields
          .map(field => all[this.places.get(field) ?? -1])
          .filter(column => column !== undefined)
      : all;
    const places = columns.map(({ field }) => this.places.get(field) ?? -1);
    const rows = this.found(view).map(row => places.map(at => row[at] ?? null));
    return new Blob([written(format, columns, rows)]);
  }

  private page(query: RowsQuery): Page {
    const { offset, limit, columns: fields, stride = 1 } = query;
    const found = this.found(query);
    const some = stride > 1 ? found.filter((_, at) => at % stride === 0) : found;
    const page = some.slice(offset, offset + limit);
    const { columns } = this.table;
    const places = fields ? fields.map(field => this.places.get(field) ?? -1) : [...columns.keys()];
    return {
      columns: places.map(at => columns[at]).filter(column => column !== undefined),
      cells: places.map(at => page.map(row => row[at] ?? null)),
      rows: found.length,
      total: this.table.rows.length
    };
  }

  private sums(view: View, fields?: string[]): Summary {
    const rows = this.found({ ...view, sort: [] });
    const columns = this.table.columns.flatMap((column, at) =>
      fields && !fields.includes(column.field)
        ? []
        : [
            summaryOf(
              column,
              rows.map(row => row[at] ?? null)
            )
          ]
    );
    return { rows: rows.length, total: this.table.rows.length, columns };
  }

  private found(view: View): Cell[][] {
    const key = print([view.sort, view.filter, view.q]);
    if (this.last?.key !== key) {
      this.last = { key, rows: this.find(view) };
    }
    return this.last.rows;
  }

  private find({ sort, filter, q }: View): Cell[][] {
    const tests = filter.map(one => this.test(one));
    const text = q.toLowerCase();
    const has = (cell: Cell): boolean => cell !== null && exact(cell).toLowerCase().includes(text);
    const rows = this.table.rows.filter(
      row => tests.every(test => test(row)) && (!text || row.some(has))
    );
    const keys = sort.map(({ field, descending }) => ({
      at: this.places.get(field) ?? -1,
      sign: descending ? -1 : 1,
      compare: comparison(this.table.columns[this.places.get(field) ?? -1])
    }));
    return keys.length === 0 ? rows : rows.sort((a, b) => this.order(a, b, keys));
  }

  private order(
    a: Cell[],
    b: Cell[],
    keys: { at: number; sign: number; compare: Compare }[]
  ): number {
    for (const { at, sign, compare } of keys) {
      const one = a[at] ?? null;
      const other = b[at] ?? null;
      const difference =
        one === null || other === null
          ? Number(one === null) - Number(other === null)
          : sign * compare(one, other);
      if (difference !== 0) {
        return difference;
      }
    }
    return 0;
  }

  private test(filter: Filter): (row: Cell[]) => boolean {
    const at = this.places.get(filter.column) ?? -1;
    const test = testOf(filter, comparison(this.table.columns[at]));
    return row => test(row[at] ?? null);
  }
}

function testOf(filter: Filter, compare: Compare): (cell: Cell) => boolean {
  switch (filter.op) {
    case 'null':
      return cell => cell === null;
    case 'not_null':
      return cell => cell !== null;
    case 'contains': {
      const text = filter.text.toLowerCase();
      return cell => cell !== null && exact(cell).toLowerCase().includes(text);
    }
    case 'equals':
      return cell => exact(cell) === exact(filter.value);
    case 'in': {
      const words = new Set(filter.values.map(exact));
      const nulls = filter.values.includes(null);
      return cell => (cell === null ? nulls : words.has(exact(cell)));
    }
    case 'range': {
      const { min, max } = filter;
      return cell =>
        cell !== null &&
        (min === null || compare(cell, min) >= 0) &&
        (max === null || compare(cell, max) <= 0);
    }
  }
}

function summaryOf(column: Column, cells: Cell[]): ColumnSummary {
  const there = cells.filter(cell => cell !== null);
  const counts = new Map<string, { value: Cell; count: number }>();
  for (const value of there) {
    const word = exact(value);
    const known = counts.get(word);
    if (known) {
      known.count += 1;
    } else {
      counts.set(word, { value, count: 1 });
    }
  }
  const base = {
    field: column.field,
    nulls: cells.length - there.length,
    distinct: counts.size
  };
  if (there.length === 0) {
    return base;
  }
  const number = column.kind === 'number';
  const compare = comparison(column);
  if ((number || column.kind === 'time') && !column.order) {
    const sorted = [...counts.values()].sort((a, b) => compare(a.value, b.value));
    const [min, max] = [sorted[0]?.value, sorted.at(-1)?.value];
    const at = number ? Number : moment;
    const places = sorted.map(({ value, count }) => ({ at: at(value), count }));
    return { ...base, min, max, histogram: bars(places) };
  }
  const top = [...counts.values()].sort((a, b) => b.count - a.count).slice(0, TOP);
  if (!column.order) {
    return { ...base, top };
  }
  const sorted = [...counts.values()].sort((a, b) => compare(a.value, b.value));
  top.sort((a, b) => compare(a.value, b.value));
  return { ...base, top, min: sorted[0]?.value, max: sorted.at(-1)?.value };
}

function bars(found: { at: number; count: number }[]): ColumnSummary['histogram'] {
  const places = found.filter(({ at }) => Number.isFinite(at));
  const min = places[0]?.at ?? 0;
  const max = places.at(-1)?.at ?? min;
  const many = max === min ? 1 : Math.min(BARS, Math.max(5, places.length));
  const width = (max - min) / many || 1;
  const counts = new Array<number>(many).fill(0);
  for (const { at, count } of places) {
    const bar = Math.min(many - 1, Math.floor((at - min) / width));
    counts[bar] = (counts[bar] ?? 0) + count;
  }
  return counts.map((count, at) => ({ from: min + at * width, to: min + (at + 1) * width, count }));
}

// Files, where no server makes them

function written(format: Format, columns: Column[], rows: Cell[][]): string {
  switch (format) {
    case 'csv':
      return csv(columns, rows);
    case 'markdown':
      return markdown(columns, rows);
    default:
      return `[${rows.map(row => jsonRow(columns, row)).join(',\n')}]\n`;
  }
}

function jsonRow(columns: Column[], row: Cell[]): string {
  const members = columns.map(({ field }, at) => `${JSON.stringify(field)}: ${print(row[at])}`);
  return `{${members.join(', ')}}`;
}

const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

/** CSV in which a spreadsheet finds no formula. */
function csv(columns: Column[], rows: Cell[][]): string {
  const word = (text: string): string => {
    const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const head = columns.map(({ name }) => word(name)).join(',');
  const lines = rows.map(row => row.map(cell => word(cell === null ? '' : exact(cell))).join(','));
  return [head, ...lines, ''].join('\n');
}

function markdown(columns: Column[], rows: Cell[][]): string {
  const word = (text: string): string =>
    text
      .replaceAll('\\', '\\\\')
      .replaceAll('|', '\\|')
      .replace(/\r\n|[\r\n]/g, '<br>');
  const line = (cells: string[]): string => `| ${cells.map(word).join(' | ')} |`;
  const rule = columns.map(({ kind }) => (kind === 'number' ? '---:' : '---'));
  return [
    line(columns.map(({ name }) => name)),
    `| ${rule.join(' | ')} |`,
    ...rows.map(row => line(row.map(cell => (cell === null ? '' : exact(cell))))),
    ''
  ].join('\n');
}

/** "1,234 of 1,000,000 rows", "16 rows". */
export function rowWords(rows: number, total: number): string {
  const noun = total === 1 ? 'row' : 'rows';
  return rows === total ? `${count(total)} ${noun}` : `${count(rows)} of ${count(total)} ${noun}`;
}
