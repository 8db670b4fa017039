/** Keyboard and pointer: which cell is active, which are chosen, what is copied. */

import type { Cell } from '../../tabledata';
import { copies } from './copy';
import type { Grid } from './grid';
import { between, step } from './keys';
import type { Place, Range } from './keys';

export class Hands {
  active: Place = { row: 0, column: 0 };
  /** Chosen cells, where they are more than the active one. */
  range: Range | null = null;
  /** The view was at the last row before rows were added. */
  following = false;
  private anchor: Place | null = null;

  constructor(private readonly grid: Grid) {}

  listen(): void {
    const { box, body, signal } = this.grid;
    box.addEventListener('keydown', event => this.key(event), { signal });
    body.element.addEventListener(
      'mousedown',
      event => {
        if (event.shiftKey) {
          event.preventDefault();
        }
      },
      { signal }
    );
    body.element.addEventListener('click', event => this.click(event), { signal });
    body.element.addEventListener('dblclick', event => this.open(event), { signal });
    box.addEventListener('copy', event => this.copy(event), { signal });
    this.grid.head.element.addEventListener('focusin', event => this.headFocus(event), { signal });
  }

  /** The row whose element must not go, because the focus may be in it. */
  stays(): number | null {
    return this.active.row >= 0 ? this.active.row : null;
  }

  /** Back to the first row, as when other rows are shown. */
  top(): void {
    this.range = this.anchor = null;
    this.active = { row: Math.min(this.active.row, 0), column: this.active.column };
    this.grid.scrolls.to(0);
  }

  /** Put the focus on the active cell. */
  focus(): void {
    const { grid, active } = this;
    const target =
      active.row < 0 ? grid.head.control(grid.shown[active.column] ?? '') : grid.body.at(active);
    target?.focus({ preventScroll: true });
  }

  private go(to: Place, extend: boolean): void {
    const { grid } = this;
    if (extend && to.row >= 0) {
      this.anchor ??= { row: Math.max(0, this.active.row), column: this.active.column };
      this.range = between(this.anchor, to);
    } else {
      this.range = this.anchor = null;
    }
    this.active = to;
    this.reveal(to);
    grid.renew();
    this.focus();
    grid.drawHead();
    if (grid.detail.open && to.row >= 0) {
      this.explain();
    }
  }

  private reveal({ row, column }: Place): void {
    const { grid } = this;
    const { scroll, rowHeight, box } = grid;
    if (row >= 0) {
      const top = row * rowHeight;
      if (top < scroll.top) {
        grid.scrolls.to(top);
      } else if (top + rowHeight > scroll.top + scroll.room) {
        grid.scrolls.to(top + rowHeight - scroll.room);
      }
    }
    const placed = grid.placed[column];
    if (!placed || placed.pinned) {
      return;
    }
    const sign = getComputedStyle(box).direction === 'rtl' ? -1 : 1;
    const left = Math.abs(box.scrollLeft);
    const pinned = grid.placed.reduce((sum, one) => sum + (one.pinned ? one.width : 0), 0);
    if (placed.start - pinned < left) {
      box.scrollLeft = sign * (placed.start - pinned);
    } else if (placed.start + placed.width > left + box.clientWidth) {
      box.scrollLeft =
        sign * Math.min(placed.start - pinned, placed.start + placed.width - box.clientWidth);
    }
  }

  private key(event: KeyboardEvent): void {
    const { grid, active } = this;
    const inHead = grid.head.element.contains(event.target as Node);
    if (event.key === '/' && grid.options.rows.whole) {
      event.preventDefault();
      grid.tools.search(true);
      return;
    }
    if (!inHead && this.command(event)) {
      event.preventDefault();
      return;
    }
    const to = step(event, active, {
      rows: grid.pages.rowCount,
      columns: grid.placed.length,
      page: Math.max(1, Math.floor(grid.scroll.room / grid.rowHeight) - 1),
      rtl: getComputedStyle(grid.box).direction === 'rtl'
    });
    if (to && !event.altKey && (to.row >= 0 || grid.options.rows.whole)) {
      event.preventDefault();
      this.go(to, event.shiftKey && !inHead);
    }
  }

  private command(event: KeyboardEvent): boolean {
    const { grid, active } = this;
    if (event.key === 'Enter' || event.key === 'F2') {
      this.explain();
      return true;
    }
    if (event.key === 'Escape' && (grid.detail.open || this.range)) {
      grid.detail.close();
      this.range = this.anchor = null;
      grid.renew();
      return true;
    }
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'a') {
      const bottom = grid.pages.rowCount - 1;
      this.range = { top: 0, bottom, left: 0, right: grid.placed.length - 1 };
      this.anchor = active;
      grid.renew();
      return true;
    }
    return false;
  }

  private click(event: MouseEvent): void {
    const place = this.grid.body.placeOf(event.target);
    if (!place || !(getSelection()?.isCollapsed ?? true)) {
      return;
    }
    const again = place.row === this.active.row && place.column === this.active.column;
    const cell = this.grid.body.at(place);
    const cut = cell !== null && cell.scrollWidth > cell.clientWidth;
    this.go(place, event.shiftKey);
    if (again && cut && !event.shiftKey) {
      this.explain();
    }
  }

  private open(event: MouseEvent): void {
    const place = this.grid.body.placeOf(event.target);
    if (place) {
      this.active = place;
      this.explain();
    }
  }

  /** Show the whole of the active cell. */
  explain(): void {
    const { grid, active } = this;
    const field = grid.shown[active.column];
    if (field !== undefined && active.row >= 0 && active.row < grid.pages.rowCount) {
      grid.detail.show(grid.column(field), active.row, grid.cell(active.row, active.column));
    }
  }

  private headFocus(event: FocusEvent): void {
    const cell = (event.target as Element).closest('[role=columnheader]');
    const column = Number(cell?.getAttribute('aria-colindex')) - 1;
    if (cell && this.active.row >= 0) {
      this.active = { row: -1, column };
      this.range = this.anchor = null;
    }
  }

  private copy(event: ClipboardEvent): void {
    const { grid, active } = this;
    if (grid.head.element.contains(event.target as Node)) {
      return;
    }
    copies(event, {
      range: () => this.range ?? between(active, active),
      placeOf: node => grid.body.placeOf(node),
      cell: (row, column) => grid.cell(row, column),
      fetch: range => this.fetch(range),
      say: words => grid.tools.say(words)
    });
  }

  private async fetch({ top, bottom, left, right }: Range): Promise<Cell[][]> {
    const { grid } = this;
    const fields = grid.shown.slice(left, right + 1);
    const page = await grid.pages.slice(top, bottom + 1, fields, grid.signal);
    const by = new Map(page.columns.map(({ field }, at) => [field, page.cells[at] ?? []]));
    const rows = page.cells[0]?.length ?? 0;
    return Array.from({ length: rows }, (_, row) =>
      fields.map(field => by.get(field)?.[row] ?? null)
    );
  }
}
