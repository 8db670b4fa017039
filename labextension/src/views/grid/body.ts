/** The rows in sight as elements, used again as they scroll by. Text only ever becomes text. */

import type { Cell } from '../../tabledata';
import { exact } from '../../tabledata';
import type { Column } from '../../wire';
import { h } from '../dom';
import type { Placed } from './geometry';
import type { Place, Range } from './keys';

/** What rows are drawn from. */
export interface Look {
  placed: readonly Placed[];
  /** By place. */
  columns: readonly Column[];
  formats: readonly ((cell: Cell) => string)[];
  cell(row: number, column: number): Cell;
  rowHeight: number;
  rowCount: number;
  active: Place;
  range: Range | null;
}

interface RowNode {
  element: HTMLElement;
  index: number;
  drawn: number;
  cells: { node: HTMLElement; column: Placed }[];
}

/** Places [from, to) among the columns that are not pinned. */
export type Window = readonly [from: number, to: number];

export class Body {
  readonly element = h('div', 'jp-nba-rows', { role: 'rowgroup' });
  private nodes: RowNode[] = [];
  private version = 0;
  private shape = 0;
  private shapes = new WeakMap<RowNode, number>();
  private window: Window = [0, 0];

  constructor(private look: Look) {}

  /** Columns have changed: no element can be used again. */
  reshape(look: Look): void {
    this.look = look;
    this.shape += 1;
    this.version += 1;
  }

  /** Cells, or what is chosen among them, have changed. */
  renew(look: Look): void {
    this.look = look;
    this.version += 1;
  }

  /** Show rows [from, to) and one more that must stay, `shift` pixels from where they lie in the table. */
  draw(from: number, to: number, shift: number, window: Window, stays: number | null): void {
    if (window[0] !== this.window[0] || window[1] !== this.window[1]) {
      this.window = window;
      this.shape += 1;
      this.version += 1;
    }
    const focused = this.element.contains(document.activeElement);
    const wanted = new Set<number>();
    for (let row = from; row < to; row += 1) {
      wanted.add(row);
    }
    if (stays !== null && stays < this.look.rowCount) {
      wanted.add(stays);
    }
    const kept = this.nodes.filter(node => wanted.has(node.index));
    const spare = this.nodes.filter(node => !wanted.has(node.index));
    const known = new Map(kept.map(node => [node.index, node]));
    this.nodes = [...wanted]
      .sort((a, b) => a - b)
      .map(index => {
        const node = known.get(index) ?? spare.pop() ?? this.made();
        node.drawn = node.index === index ? node.drawn : -1;
        node.index = index;
        this.fill(node, shift);
        return node;
      });
    spare.forEach(node => node.element.remove());
    this.arrange();
    if (focused && !this.element.contains(document.activeElement)) {
      this.at(this.look.active)?.focus({ preventScroll: true });
    }
  }

  /** The element of a cell that is drawn. */
  at({ row, column }: Place): HTMLElement | null {
    const node = this.nodes.find(one => one.index === row);
    return node?.cells.find(cell => cell.column.at === column)?.node ?? null;
  }

  /** Which cell an element belongs to. */
  placeOf(target: EventTarget | Node | null): Place | null {
    const element =
      target instanceof Element ? target : ((target as Node | null)?.parentElement ?? null);
    const cell = element?.closest<HTMLElement>('[role=gridcell]');
    const row = Number(cell?.parentElement?.getAttribute('aria-rowindex')) - 2;
    return cell && this.element.contains(cell) && row >= 0
      ? { row, column: Number(cell.getAttribute('aria-colindex')) - 1 }
      : null;
  }

  private arrange(): void {
    let next = this.element.firstChild;
    for (const { element } of this.nodes) {
      if (element === next) {
        next = next.nextSibling;
      } else {
        this.element.insertBefore(element, next);
      }
    }
  }

  private made(): RowNode {
    const element = h('div', 'jp-nba-row', { role: 'row' });
    return { element, index: -1, drawn: -1, cells: [] };
  }

  private fill(node: RowNode, shift: number): void {
    const { look } = this;
    const y = node.index * look.rowHeight + shift;
    const moved = `translateY(${y}px)`;
    if (node.element.style.transform !== moved) {
      node.element.style.transform = moved;
    }
    if (this.shapes.get(node) !== this.shape) {
      this.shapes.set(node, this.shape);
      this.build(node);
      node.drawn = -1;
    }
    if (node.drawn === this.version) {
      return;
    }
    if (node.drawn === -1) {
      node.element.setAttribute('aria-rowindex', String(node.index + 2));
      node.element.classList.toggle('jp-mod-odd', node.index % 2 === 1);
    }
    node.drawn = this.version;
    for (const { node: cell, column } of node.cells) {
      this.write(cell, node.index, column);
    }
  }

  private build(node: RowNode): void {
    const { placed, columns } = this.look;
    const [from, to] = this.window;
    node.cells = [];
    const parts: HTMLElement[] = [];
    let spaced = false;
    for (const column of placed) {
      const inside = column.at >= from && column.at < to;
      if (!column.pinned && !inside) {
        continue;
      }
      if (!column.pinned && !spaced) {
        spaced = true;
        parts.push(spacer(placed, from));
      }
      const cell = h('div', '', { role: 'gridcell', 'aria-colindex': column.at + 1, tabindex: -1 });
      cell.style.inlineSize = `${column.width}px`;
      if (column.pinned) {
        cell.style.insetInlineStart = `${column.start}px`;
      }
      if (columns[column.at]?.kind === 'text') {
        cell.dir = 'auto';
      }
      node.cells.push({ node: cell, column });
      parts.push(cell);
    }
    node.element.replaceChildren(...parts);
  }

  private write(cell: HTMLElement, row: number, { at, pinned }: Placed): void {
    const { look } = this;
    const column = look.columns[at];
    const value = look.cell(row, at);
    const { range, active } = look;
    const chosen =
      range !== null &&
      row >= range.top &&
      row <= range.bottom &&
      at >= range.left &&
      at <= range.right;
    const here = active.row === row && active.column === at;
    const shown =
      value === undefined ? '' : value === null ? 'null' : (look.formats[at]?.(value) ?? '');
    const state =
      value === undefined
        ? ' jp-mod-pending'
        : value === null || (typeof value === 'number' && !Number.isFinite(value))
          ? ' jp-nba-null'
          : '';
    cell.className =
      `jp-nba-cell jp-nba-${column?.kind ?? 'other'}${state}` +
      `${pinned ? ' jp-mod-pinned' : ''}${column?.index ? ' jp-nba-index' : ''}${here ? ' jp-mod-active' : ''}`;
    if (cell.textContent !== shown) {
      cell.textContent = shown;
    }
    cell.tabIndex = here ? 0 : -1;
    if (chosen) {
      cell.setAttribute('aria-selected', 'true');
    } else if (cell.hasAttribute('aria-selected')) {
      cell.removeAttribute('aria-selected');
    }
    const whole = value === undefined || value === null || shown.length <= 24 ? '' : exact(value);
    if (cell.title !== whole.slice(0, 1000)) {
      cell.title = whole.slice(0, 1000);
    }
  }
}

/** Room for the columns that are out of sight before those that are shown. */
export function spacer(placed: readonly Placed[], from: number): HTMLElement {
  const first = placed.findIndex(column => !column.pinned);
  const room = (placed[from]?.start ?? 0) - (placed[first]?.start ?? 0);
  const element = h('div', 'jp-nba-spacer', { role: 'presentation' });
  element.style.inlineSize = `${Math.max(0, room)}px`;
  return element;
}
