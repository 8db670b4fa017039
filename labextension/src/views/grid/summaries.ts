/** What columns hold, fetched when they are in sight: of all rows for menus, of the rows shown for the header. */

import type { ColumnSummary, Rows, View } from '../../rows';
import { ALL } from '../../rows';
import { narrowed } from './state';

/** A question is put once a person has stopped looking around for so long, or has not for so many times. */
const CALM = 700;
const MOST_YIELDED = 5;

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
  private wanted: [fields: readonly string[], all: boolean] = [[], true];
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** How many questions are under way, and how often they were taken back for rows. */
  private under = 0;
  private yielded = 0;

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

  /** Columns in sight. Rows come first: the question waits until none are on their way. */
  want(fields: readonly string[], all: boolean, rowsAwaited: boolean): void {
    this.wanted = [fields, all];
    clearTimeout(this.timer);
    if (rowsAwaited && this.under && this.yielded < MOST_YIELDED) {
      this.yielded += 1;
      this.stop();
    }
    if (this.missing().length > 0) {
      this.timer = setTimeout(() => this.askAll(), rowsAwaited || this.yielded > 0 ? CALM : 0);
    }
  }

  stop(): void {
    clearTimeout(this.timer);
    this.under = 0;
    this.ended.abort();
    this.ended = new AbortController();
  }

  private missing(): [Kept, string[]][] {
    const [fields] = this.wanted;
    return [...new Set([this.shown, this.base])]
      .map((kept): [Kept, string[]] => [kept, fields.filter(field => !kept.asked.has(field))])
      .filter(([, some]) => some.length > 0);
  }

  private askAll(): void {
    for (const [kept, fields] of this.missing()) {
      void this.ask(kept, fields, this.wanted[1]);
    }
  }

  private async ask(kept: Kept, fields: string[], all: boolean): Promise<void> {
    const { signal } = this.ended;
    fields.forEach(field => kept.asked.add(field));
    this.under += 1;
    try {
      const found = await this.rows.summary(kept.view, signal, all ? undefined : fields);
      if (!signal.aborted) {
        kept.rows = found.rows;
        found.columns.forEach(column => kept.columns.set(column.field, column));
        this.yielded = 0;
        this.changed();
      }
    } catch {
      // without a summary the header has no pictures
    }
    if (signal.aborted) {
      fields.forEach(field => kept.asked.delete(field));
    } else {
      this.under -= 1;
    }
  }
}
