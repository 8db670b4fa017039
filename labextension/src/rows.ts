/** Where a table's rows come from: the server, a kernel, or the record itself. The grid never knows which. */

import { decoded } from './arrow';
import { RequestError } from './client';
import type { Client } from './client';
import { parse } from './json';
import type { Cell } from './tabledata';
import type { Column } from './wire';

/** A condition on one column; a list of them must hold all together. */
export type Filter =
  | { column: string; op: 'range'; min: Bound; max: Bound }
  | { column: string; op: 'in'; values: Cell[] }
  | { column: string; op: 'equals'; value: Cell }
  | { column: string; op: 'contains'; text: string }
  | { column: string; op: 'null' | 'not_null' };

export type Bound = number | string | null;

export interface SortKey {
  field: string;
  descending: boolean;
}

/** Which rows, and in which order. */
export interface View {
  sort: SortKey[];
  filter: Filter[];
  /** Found in any column. */
  q: string;
}

export interface RowsQuery extends View {
  offset: number;
  limit: number;
  /** Fields; all of them if left out. */
  columns?: string[];
  /** Every so many rows only. */
  stride?: number;
}

/** Some rows as columns of cells, and how many there are in all. */
export interface Page {
  columns: Column[];
  cells: Cell[][];
  /** Rows that match the view. */
  rows: number;
  total: number;
}

export interface ColumnSummary {
  field: string;
  nulls: number;
  distinct: number | null;
  min?: Cell;
  max?: Cell;
  mean?: number | null;
  histogram?: { from: Cell; to: Cell; count: number }[] | null;
  top?: { value: Cell; count: number }[] | null;
}

export interface Summary {
  rows: number;
  total: number;
  columns: ColumnSummary[];
}

export const FORMATS = ['csv', 'parquet', 'json', 'markdown'] as const;

export type Format = (typeof FORMATS)[number];

/** Every member rejects with an Error whose message is a sentence for people. */
export interface Rows {
  /** Rows can be asked for in any order and by any condition. */
  readonly whole: boolean;
  readonly formats: readonly Format[];
  rows(query: RowsQuery, signal: AbortSignal): Promise<Page>;
  /** Of `columns` only, where they are given. */
  summary(view: View, signal: AbortSignal, columns?: string[]): Promise<Summary>;
  export(format: Format, view: View, columns: string[] | null, signal: AbortSignal): Promise<Blob>;
}

const AGAIN = 1000;

export const ALL: View = { sort: [], filter: [], q: '' };

/** The members of a request: what a URL or a message names. Empty ones are left out. */
export interface Params {
  [name: string]: string;
}

/** A view as a request has it. */
function viewParams(view: View): Params {
  return {
    ...(view.sort.length > 0 && { sort: JSON.stringify(view.sort.map(sortWord)) }),
    ...(view.filter.length > 0 && { filter: JSON.stringify(view.filter, digits) }),
    ...(view.q && { q: view.q })
  };
}

/** Rows of a view as a request has them. */
export function rowsParams(query: RowsQuery): Params {
  return {
    format: 'arrow',
    offset: String(query.offset),
    limit: String(query.limit),
    ...(query.columns && { columns: JSON.stringify(query.columns) }),
    ...(query.stride && query.stride > 1 && { stride: String(query.stride) }),
    ...viewParams(query)
  };
}

/** What a summary is asked of. */
export function summaryParams(view: View, columns?: string[]): Params {
  return {
    ...viewParams({ ...view, sort: [] }),
    ...(columns && { columns: JSON.stringify(columns) })
  };
}

/** What a file is made of. */
export function exportParams(format: Format, view: View, columns: string[] | null): Params {
  return { format, ...viewParams(view), ...(columns && { columns: JSON.stringify(columns) }) };
}

function sortWord({ field, descending }: SortKey): string {
  return descending ? `-${field}` : /^[-+]/.test(field) ? `+${field}` : field;
}

/** Integers that no double holds travel as text. */
function digits(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** An Arrow answer and what its header said. */
export function pageOf(bytes: ArrayBuffer | Uint8Array, rows: unknown, total: unknown): Page {
  const { columns, cells } = decoded(bytes);
  const here = cells[0]?.length ?? 0;
  const number = (value: unknown, least: number): number =>
    value !== null && value !== '' && Number.isFinite(Number(value)) ? Number(value) : least;
  const match = number(rows, here);
  return { columns, cells, rows: match, total: number(total, match) };
}

/** The rows of a stored table, answered by the server. */
export class ServerRows implements Rows {
  readonly whole = true;
  readonly formats = FORMATS;

  constructor(
    private readonly client: Client,
    private readonly id: string
  ) {}

  async rows(query: RowsQuery, signal: AbortSignal): Promise<Page> {
    const answer = await this.ask('rows', rowsParams(query), signal);
    const { headers } = answer;
    return pageOf(
      await answer.arrayBuffer(),
      headers.get('X-NB-Artifacts-Rows'),
      headers.get('X-NB-Artifacts-Total')
    );
  }

  async summary(view: View, signal: AbortSignal, columns?: string[]): Promise<Summary> {
    const params = summaryParams(view, columns);
    const answer = await this.ask('summary', params, signal);
    return parse(await answer.text()) as Summary;
  }

  async export(
    format: Format,
    view: View,
    columns: string[] | null,
    signal: AbortSignal
  ): Promise<Blob> {
    const params = exportParams(format, view, columns);
    return (await this.ask('export', params, signal)).blob();
  }

  /** Where the process that answers queries has just ended, a new one is asked once more. */
  private async ask(
    part: 'rows' | 'summary' | 'export',
    params: Params,
    signal: AbortSignal
  ): Promise<Response> {
    try {
      return await this.client.table(this.id, part, params, signal);
    } catch (error) {
      if (!(error instanceof RequestError) || error.status !== 503 || signal.aborted) {
        throw error;
      }
      await new Promise(resolve => setTimeout(resolve, AGAIN));
      return this.client.table(this.id, part, params, signal);
    }
  }
}
