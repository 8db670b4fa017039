/** A table: the grid over its rows, the first ones from the record at once, the others from where they are kept. */

import { plural } from '../format';
import { LocalRows } from '../localrows';
import { ALL } from '../rows';
import type { Rows } from '../rows';
import { tableOf } from '../tabledata';
import type { Cell, Table } from '../tabledata';
import type { Column } from '../wire';
import { notice, reason } from './dom';
import { Grid } from './grid/grid';
import type { Source } from './types';

/** What the view needs of a source. */
type TableSource = Pick<Source, 'record' | 'deleted' | 'rows' | 'data' | 'subscribe'>;

export async function mountTable(
  element: HTMLElement,
  source: TableSource,
  signal: AbortSignal
): Promise<void> {
  const data = await source.data();
  if (!signal.aborted) {
    new Shown(element, source, signal).draw(tableOf(source.record, data));
  }
}

/** What is in the element; drawn anew where the table gets other columns. */
class Shown {
  private grid: Grid | null = null;
  private ended = new AbortController();
  private fields = '';
  private content: unknown;

  constructor(
    private readonly element: HTMLElement,
    private readonly source: TableSource,
    private readonly signal: AbortSignal
  ) {
    this.content = contentOf(source);
    signal.addEventListener('abort', () => this.ended.abort(), { once: true });
    source.subscribe(() => void this.follow(), signal);
  }

  draw(table: Table, columns: Column[] = table.columns, whole = false): void {
    this.ended.abort();
    this.ended = new AbortController();
    this.fields = fieldsOf(table);
    const { source, element } = this;
    if (columns.length === 0) {
      const rows = table.rowCount > 0 ? `${plural(table.rowCount, 'row')}, but no` : 'no';
      element.replaceChildren(notice(`This table has ${rows} columns.`));
      return;
    }
    const rows = this.rowsOf(table);
    const grid = new Grid(
      {
        label: source.record.key ?? 'Table',
        name: source.record.key ?? source.record.id,
        rows,
        columns,
        total: table.rowCount,
        columnCount: table.columnCount,
        seed: whole ? [] : byColumn(table),
        more: () => void this.widen(rows, table)
      },
      this.ended.signal
    );
    this.grid = grid;
    element.replaceChildren(grid.element);
    grid.start();
  }

  private rowsOf(table: Table): Rows {
    const server = this.source.rows ?? null;
    const all = table.rows.length >= table.rowCount && described(table);
    return server === null || (all && !isLive(this.source))
      ? new LocalRows(table, this.source.record.blob ? server : null)
      : server;
  }

  /** Show every column, which the record leaves out of very wide tables. */
  private async widen(rows: Rows, table: Table): Promise<void> {
    try {
      const page = await rows.rows({ ...ALL, offset: 0, limit: 1 }, this.ended.signal);
      const known = new Map(table.columns.map(column => [column.field, column]));
      const columns = page.columns.map(column => known.get(column.field) ?? column);
      this.draw(table, columns, true);
    } catch (error) {
      this.grid?.tools.say(reason(error));
    }
  }

  /** The record has changed: more rows, other rows, or only what is said of it. */
  private async follow(): Promise<void> {
    const { source } = this;
    const content = contentOf(source);
    if (source.deleted || content === this.content) {
      return;
    }
    this.content = content;
    const table = tableOf(source.record, await source.data());
    if (this.signal.aborted || content !== this.content) {
      return;
    }
    if (this.grid && source.rows && isLive(source) && fieldsOf(table) === this.fields) {
      this.grid.refresh(table.rowCount);
    } else {
      this.draw(table);
    }
  }
}

/** Changes with the cells, not with the description or tags. */
function contentOf({ record }: TableSource): unknown {
  const { rows } = record.info;
  return record.blob
    ? `${record.blob.sha256} ${String(rows)} ${JSON.stringify(record.info['live'] ?? null)}`
    : record.seq;
}

function isLive({ record }: TableSource): boolean {
  const live = record.info['live'];
  return live !== null && live !== undefined;
}

function described(table: Table): boolean {
  return table.columns.length - table.indexCount >= table.columnCount;
}

function fieldsOf(table: Table): string {
  return JSON.stringify(table.columns.map(({ field, dtype }) => [field, dtype]));
}

function byColumn({ columns, rows }: Table): Cell[][] {
  return columns.map((_, at) => rows.map(row => row[at] ?? null));
}
