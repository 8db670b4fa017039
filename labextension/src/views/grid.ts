/** The rows of a grid in a scrolled box: only those in sight are in the page. Arrow keys move between cells. */

import type { Cell } from '../tabledata';
import { h } from './dom';

const ROW = 24;
const SPARE = 15;

export interface GridOptions {
  columns: number;
  /** Fill a cell; called only for rows in sight. */
  fill(cell: HTMLElement, value: Cell, column: number): void;
  /** A cell was chosen, by click or Enter. */
  choose(value: Cell, column: number): void;
}

/** The body of a table within `box`, which scrolls. The header is row 1 for assistive technology. */
export class GridRows {
  readonly body = h('tbody', '', { role: 'rowgroup' });
  private rows: Cell[][] = [];
  private from = -1;
  private to = -1;
  private active = { row: 0, column: 0 };

  constructor(
    private readonly box: HTMLElement,
    private readonly options: GridOptions,
    signal: AbortSignal
  ) {
    box.addEventListener('scroll', () => this.draw(), { passive: true, signal });
    this.body.addEventListener('keydown', event => this.key(event), { signal });
    this.body.addEventListener('click', event => this.click(event), { signal });
    if (typeof ResizeObserver !== 'undefined') {
      const observer = new ResizeObserver(() => this.draw());
      observer.observe(box);
      signal.addEventListener('abort', () => observer.disconnect(), { once: true });
    }
  }

  show(rows: Cell[][]): void {
    this.rows = rows;
    this.from = this.to = -1;
    this.active.row = Math.min(this.active.row, Math.max(0, rows.length - 1));
    this.draw();
  }

  private draw(): void {
    const visible = Math.ceil((this.box.clientHeight || 10 * ROW) / ROW);
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW) - SPARE);
    const from = first - (first % SPARE);
    const to = Math.min(this.rows.length, from + visible + 3 * SPARE);
    if (from === this.from && to === this.to) {
      return;
    }
    const focused = this.body.contains(document.activeElement);
    this.from = from;
    this.to = to;
    const rows = this.rows.slice(from, to).map((row, index) => this.row(row, from + index));
    this.body.replaceChildren(spacer(from), ...rows, spacer(this.rows.length - to));
    if (focused) {
      this.cell()?.focus({ preventScroll: true });
    }
  }

  private row(cells: Cell[], index: number): HTMLElement {
    const row = h('tr', '', { role: 'row', 'aria-rowindex': index + 2 });
    row.dataset['row'] = String(index);
    for (let column = 0; column < this.options.columns; column += 1) {
      const here = index === this.active.row && column === this.active.column;
      const cell = h('td', '', {
        role: 'gridcell',
        'aria-colindex': column + 1,
        tabindex: here ? 0 : -1
      });
      this.options.fill(cell, cells[column] ?? null, column);
      row.append(cell);
    }
    return row;
  }

  private cell(): HTMLElement | null {
    const { row, column } = this.active;
    return this.body.querySelector(`tr[data-row="${row}"] > [aria-colindex="${column + 1}"]`);
  }

  private move(row: number, column: number): void {
    this.cell()?.setAttribute('tabindex', '-1');
    this.active = {
      row: Math.max(0, Math.min(this.rows.length - 1, row)),
      column: Math.max(0, Math.min(this.options.columns - 1, column))
    };
    const top = this.active.row * ROW;
    const head = this.body.parentElement?.querySelector('thead')?.offsetHeight ?? 0;
    if (top < this.box.scrollTop || top > this.box.scrollTop + this.box.clientHeight - head - ROW) {
      this.box.scrollTop =
        top < this.box.scrollTop ? top : top - this.box.clientHeight + head + 2 * ROW;
      this.draw();
    }
    const cell = this.cell();
    cell?.setAttribute('tabindex', '0');
    cell?.focus({ preventScroll: true });
    cell?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  private key(event: KeyboardEvent): void {
    const { row, column } = this.active;
    const page = Math.max(1, Math.floor(this.box.clientHeight / ROW) - 2);
    const last = this.options.columns - 1;
    const rtl = getComputedStyle(this.box).direction === 'rtl' ? -1 : 1;
    const moves: { [key: string]: [number, number] } = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      ArrowRight: [row, column + rtl],
      ArrowLeft: [row, column - rtl],
      PageDown: [row + page, column],
      PageUp: [row - page, column],
      Home: [event.ctrlKey ? 0 : row, 0],
      End: [event.ctrlKey ? this.rows.length - 1 : row, last]
    };
    const move = moves[event.key];
    if (move) {
      event.preventDefault();
      this.move(...move);
    } else if (event.key === 'Enter') {
      this.options.choose(this.rows[row]?.[column] ?? null, column);
    }
  }

  private click(event: MouseEvent): void {
    const cell = (event.target as Element).closest<HTMLElement>('td[aria-colindex]');
    const row = Number(cell?.parentElement?.dataset['row']);
    if (cell && !Number.isNaN(row)) {
      const column = Number(cell.getAttribute('aria-colindex')) - 1;
      this.move(row, column);
      this.options.choose(this.rows[row]?.[column] ?? null, column);
    }
  }
}

function spacer(rows: number): HTMLElement {
  const row = h('tr', 'jp-nba-spacer', { 'aria-hidden': 'true' });
  row.style.blockSize = `${rows * ROW}px`;
  row.hidden = rows === 0;
  return row;
}
