/**
 * What is known of a table's rows: blocks of rows by groups of columns, the ones used last, fetched when they come into
 * sight. A new view or a newer table shows the old cells until the first new ones are there.
 */

import type { Page, Rows, View } from '../../rows';
import type { Cell } from '../../tabledata';

export const BLOCK = 200;
/** Columns fetched together. */
export const GROUP = 64;
const MOST_BLOCKS = 120;
const QUICK = 60;

interface Block {
  /** By column of the group; a block that is shorter than BLOCK is the last one. */
  cells: Cell[][];
}

interface Asked {
  controller: AbortController;
  key: string;
}

export interface PagesOptions {
  fields: readonly string[];
  rows: Rows;
  view: View;
  /** Rows of the table as the record has it. */
  total: number;
  /** Something arrived, failed, or is on its way. */
  changed: () => void;
  /** Only for tests. */
  patience?: number;
}

export class Pages {
  /** Rows that match the view, and all rows. */
  rowCount: number;
  total: number;
  /** Why the last request gave nothing. */
  error: string | null = null;
  /** Rows of another view, or of an older table, are shown meanwhile. */
  stale = false;

  private blocks = new Map<string, Block>();
  private before = new Map<string, Block>();
  private readonly asked = new Map<string, Asked>();
  private wanted: [from: number, to: number, groups: readonly number[]] = [0, 0, [0]];
  private timer: ReturnType<typeof setTimeout> | null = null;
  private last = -Infinity;
  private ended = false;
  private view: View;
  private epoch = 0;

  constructor(private readonly options: PagesOptions) {
    this.rowCount = this.total = options.total;
    this.view = options.view;
  }

  /** Something is on its way. */
  get loading(): boolean {
    return this.asked.size > 0;
  }

  /** Something that is in sight is not here. */
  get awaited(): boolean {
    const [from, to, groups] = this.wanted;
    return this.missing(from, Math.max(to, from + 1), groups).length > 0;
  }

  /** Rows that are known without asking: the first ones, all columns. */
  seed(cells: Cell[][], whole: boolean): void {
    const rows = cells[0]?.length ?? 0;
    const groups = Math.ceil(cells.length / GROUP);
    for (let row = 0; row < rows; row += BLOCK) {
      const end = Math.min(rows, row + BLOCK);
      for (let group = 0; group < groups; group += 1) {
        if (end - row === BLOCK || whole || row === 0) {
          const some = cells.slice(group * GROUP, (group + 1) * GROUP);
          const target = end - row === BLOCK || whole ? this.blocks : this.before;
          target.set(keyOf(row / BLOCK, group), { cells: some.map(c => c.slice(row, end)) });
        }
      }
    }
  }

  /** A cell, or undefined while it is not here. */
  cell(row: number, column: number): Cell {
    const key = keyOf(Math.floor(row / BLOCK), Math.floor(column / GROUP));
    const at = row % BLOCK;
    const now = this.blocks.get(key);
    if (now) {
      return now.cells[column % GROUP]?.[at];
    }
    return this.before.get(key)?.cells[column % GROUP]?.[at];
  }

  /** Those cells of a column in rows [from, to) that are here. */
  column(column: number, from: number, to: number): Cell[] {
    const cells: Cell[] = [];
    for (let row = from; row < to; row += 1) {
      const cell = this.cell(row, column);
      if (cell !== undefined) {
        cells.push(cell);
      }
    }
    return cells;
  }

  /** Rows [from, to) of some groups of columns are in sight: fetch what is missing, forget requests for others. */
  want(from: number, to: number, groups: readonly number[]): void {
    this.wanted = [from, to, groups];
    if (this.timer !== null) {
      return;
    }
    const now = Date.now();
    const wait = this.options.patience ?? QUICK;
    if (now - this.last >= wait) {
      this.last = now;
      this.fetch();
    } else {
      this.timer = setTimeout(() => {
        this.timer = null;
        this.last = Date.now();
        this.fetch();
      }, wait);
    }
  }

  /** Other rows, or another order. */
  show(view: View): void {
    this.view = view;
    this.renew();
  }

  /** The table has changed: ask again for what is in sight. */
  refresh(total: number): void {
    const whole = this.rowCount === this.total;
    this.total = total;
    this.rowCount = whole ? total : this.rowCount;
    this.renew();
  }

  /** Ask again after an error. */
  retry(): void {
    this.error = null;
    this.fetch();
    this.options.changed();
  }

  /** Rows [from, to) of some columns as they are now, however many; not kept. */
  async slice(from: number, to: number, fields: string[], signal: AbortSignal): Promise<Page> {
    const query = { ...this.view, offset: from, limit: to - from, columns: fields };
    return this.options.rows.rows(query, signal);
  }

  dispose(): void {
    this.ended = true;
    this.forget(() => false);
    if (this.timer !== null) {
      clearTimeout(this.timer);
    }
  }

  private renew(): void {
    this.epoch += 1;
    if (this.blocks.size > 0) {
      this.before = this.blocks;
      this.blocks = new Map();
    }
    this.stale = true;
    this.error = null;
    this.forget(() => false);
    this.fetch();
    this.options.changed();
  }

  private fetch(): void {
    if (this.ended || this.error !== null) {
      return;
    }
    const [from, to, groups] = this.wanted;
    const need = this.missing(from, Math.max(to, from + 1), groups);
    const quiet = need.length === 0 && !this.stale;
    const ahead = quiet ? this.missing(to, to + BLOCK / 2, groups) : [];
    const keys = new Set([...need, ...ahead]);
    this.forget(key => keys.has(key));
    keys.forEach(key => void this.ask(key));
  }

  private missing(from: number, to: number, groups: readonly number[]): string[] {
    const keys: string[] = [];
    const last = Math.min(to, this.stale ? Infinity : this.rowCount) - 1;
    for (let block = Math.floor(from / BLOCK); block <= Math.floor(last / BLOCK); block += 1) {
      for (const group of groups) {
        const key = keyOf(block, group);
        const known = this.blocks.get(key);
        if (known) {
          this.blocks.delete(key);
          this.blocks.set(key, known);
        } else {
          keys.push(key);
        }
      }
    }
    return keys;
  }

  private async ask(key: string): Promise<void> {
    if (this.asked.has(key)) {
      return;
    }
    const controller = new AbortController();
    this.asked.set(key, { controller, key });
    const [block = 0, group = 0] = key.split(' ').map(Number);
    const { epoch } = this;
    const { rows, fields } = this.options;
    const columns = fields.slice(group * GROUP, (group + 1) * GROUP);
    try {
      const page = await rows.rows(
        {
          ...this.view,
          offset: block * BLOCK,
          limit: BLOCK,
          ...(fields.length > GROUP && { columns })
        },
        controller.signal
      );
      if (!controller.signal.aborted && epoch === this.epoch) {
        this.keep(key, page, columns);
      }
    } catch (error) {
      if (!controller.signal.aborted && epoch === this.epoch) {
        this.error = error instanceof Error ? error.message : String(error);
      }
    }
    if (this.asked.get(key)?.controller === controller) {
      this.asked.delete(key);
      if (!this.ended) {
        this.options.changed();
      }
    }
  }

  private keep(key: string, page: Page, fields: readonly string[]): void {
    const by = new Map(page.columns.map(({ field }, at) => [field, page.cells[at] ?? []]));
    this.blocks.set(key, { cells: fields.map(field => by.get(field) ?? []) });
    if (this.stale || page.rows !== this.rowCount) {
      this.before = new Map();
    }
    this.stale = false;
    this.rowCount = page.rows;
    this.total = page.total;
    for (const oldest of this.blocks.keys()) {
      if (this.blocks.size <= MOST_BLOCKS) {
        break;
      }
      this.blocks.delete(oldest);
    }
  }

  private forget(stays: (key: string) => boolean): void {
    for (const { key, controller } of [...this.asked.values()]) {
      if (!stays(key)) {
        this.asked.delete(key);
        controller.abort();
      }
    }
  }
}

function keyOf(block: number, group: number): string {
  return `${block} ${group}`;
}
