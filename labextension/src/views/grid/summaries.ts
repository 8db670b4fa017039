/** What columns hold, fetched when they are in sight: of all rows for menus, of the rows shown for the header. */

import type { ColumnSummary, Rows, View } from '../../rows';
import { ALL } from '../../rows';
import { narrowed } from './state';

interface Kept {
  view: View;
  rows: number;
  columns: Map<string, ColumnSummary>;
  asked: Set<string>;
}

function empty(view: View, rows: number): Kept {
  return { view, rows, columns: new Map(), asked: new Set() };
}

export class Summaries {
  private base: Kept;
  private shown: Kept;
  private ended = new AbortController();

  constructor(
    private readonly rows: Rows,
    total: number,
    private readonly changed: () => void
  ) {
    this.base = this.shown = empty(ALL, total);
  }

  /** Of the rows shown; those of all rows until they are there. */
  get columns(): ReadonlyMap<string, ColumnSummary> {
    return this.shown.columns.size > 0 ? this.shown.columns : this.base.columns;
  }

  get rowCount(): number {
    return this.shown.columns.size > 0 ? this.shown.rows : this.base.rows;
  }

  /** Of all rows. */
  whole(field: string): ColumnSummary | null {
    return this.base.columns.get(field) ?? null;
  }

  get total(): number {
    return this.base.rows;
  }

  /** Other rows are shown. */
  show(view: View): void {
    if (!narrowed(view)) {
      this.shown = this.base;
    } else if (view.filter !== this.shown.view.filter || view.q !== this.shown.view.q) {
      this.stop();
      this.shown = empty(view, 0);
    }
  }

  /** The table has changed. What was known is shown until the new is there. */
  refresh(): void {
    this.stop();
    this.base.asked.clear();
    this.shown.asked.clear();
  }

  /** Columns in sight; null for all. What fails is asked for again another time. */
  want(fields: readonly string[], all: boolean): void {
    for (const kept of new Set([this.shown, this.base])) {
      const missing = fields.filter(field => !kept.asked.has(field));
      if (missing.length > 0) {
        void this.ask(kept, missing, all);
      }
    }
  }

  stop(): void {
    this.ended.abort();
    this.ended = new AbortController();
  }

  private async ask(kept: Kept, fields: string[], all: boolean): Promise<void> {
    const { signal } = this.ended;
    fields.forEach(field => kept.asked.add(field));
    try {
      const found = await this.rows.summary(kept.view, signal, all ? undefined : fields);
      if (!signal.aborted) {
        kept.rows = found.rows;
        found.columns.forEach(column => kept.columns.set(column.field, column));
        this.changed();
      }
    } catch {
      if (signal.aborted) {
        fields.forEach(field => kept.asked.delete(field));
      }
    }
  }
}
