/** The header: names that sort, dtypes, null shares and a small picture of each column; widths and places by dragging. */

import type { ColumnSummary, SortKey } from '../../rows';
import { columnNote } from '../../tabledata';
import type { Cell } from '../../tabledata';
import type { Column } from '../../wire';
import { h } from '../dom';
import { spacer } from './body';
import type { Window } from './body';
import type { Placed } from './geometry';
import { spark, summaryWords } from './spark';

export interface HeadLook {
  placed: readonly Placed[];
  columns: readonly Column[];
  sort: readonly SortKey[];
  filtered: ReadonlySet<string>;
  summaries: ReadonlyMap<string, ColumnSummary>;
  /** Rows that the summaries are of. */
  rows: number;
  total: number;
  /** Whether there is room for pictures. */
  pictures: boolean;
  sortable: boolean;
  /** The column that the keyboard is at, where it is in the header. */
  active: number | null;
  text(column: Column): (cell: Cell) => string;
}

export interface HeadActs {
  sort(field: string, add: boolean): void;
  menu(field: string, anchor: HTMLElement): void;
  /** Null: as wide as it would be by itself. */
  resize(field: string, width: number | null): void;
  move(field: string, to: number): void;
}

export class Head {
  readonly row = h('div', 'jp-nba-row', { role: 'row', 'aria-rowindex': 1 });
  readonly element = h('div', 'jp-nba-header', { role: 'rowgroup' }, this.row);
  private dragged = false;

  constructor(
    private readonly acts: HeadActs,
    private readonly signal: AbortSignal
  ) {}

  draw(look: HeadLook, [from, to]: Window): void {
    const focus = this.focused();
    const parts: HTMLElement[] = [];
    let spaced = false;
    for (const column of look.placed) {
      if (!column.pinned && (column.at < from || column.at >= to)) {
        continue;
      }
      if (!column.pinned && !spaced) {
        spaced = true;
        parts.push(spacer(look.placed, from));
      }
      parts.push(this.cell(column, look));
    }
    this.row.replaceChildren(...parts);
    if (focus) {
      this.control(focus.field, focus.menu)?.focus({ preventScroll: true });
    }
  }

  /** The button that a column's name is, or the one of its menu. */
  control(field: string, menu = false): HTMLElement | null {
    const cells = [...this.row.querySelectorAll<HTMLElement>('[role=columnheader]')];
    const cell = cells.find(one => one.dataset['field'] === field);
    return cell?.querySelector(menu ? '.jp-nba-more' : '.jp-nba-column') ?? null;
  }

  private focused(): { field: string; menu: boolean } | null {
    const at = document.activeElement;
    const field = at?.closest<HTMLElement>('[role=columnheader]')?.dataset['field'];
    return at && field !== undefined && this.row.contains(at)
      ? { field, menu: at.classList.contains('jp-nba-more') }
      : null;
  }

  private cell(placed: Placed, look: HeadLook): HTMLElement {
    const column = look.columns[placed.at] as Column;
    const place = look.sort.findIndex(key => key.field === column.field);
    const order = look.sort[place];
    const summary = look.summaries.get(column.field);
    const note = columnNote({ ...column, nulls: summary?.nulls ?? column.nulls }, look.rows);
    const words = summary ? summaryWords(summary, look.rows, look.text(column)) : [];
    const picture = look.pictures
      ? h('div', 'jp-nba-picture', {}, summary && spark(summary, look.text(column)))
      : null;
    const cell = h(
      'div',
      `jp-nba-head-cell jp-nba-${column.kind}${placed.pinned ? ' jp-mod-pinned' : ''}`,
      {
        role: 'columnheader',
        'aria-colindex': placed.at + 1,
        'aria-sort': !look.sortable
          ? null
          : order
            ? order.descending
              ? 'descending'
              : 'ascending'
            : 'none',
        'data-field': column.field
      },
      h(
        'div',
        'jp-nba-head-line',
        {},
        this.name(column, placed, look, order, place),
        look.sortable ? this.more(column) : null
      ),
      h(
        'small',
        '',
        { title: [note, ...words].join('\n') },
        look.filtered.has(column.field) && h('mark', '', {}, 'filtered'),
        note || ' '
      ),
      picture,
      this.handle(column, placed)
    );
    cell.style.inlineSize = `${placed.width}px`;
    if (placed.pinned) {
      cell.style.insetInlineStart = `${placed.start}px`;
    }
    return cell;
  }

  private name(
    column: Column,
    placed: Placed,
    look: HeadLook,
    order: SortKey | undefined,
    place: number
  ): HTMLElement {
    const label = h('bdi', '', {}, column.name || ' ');
    if (!look.sortable) {
      const why = 'Sorting needs all rows: only the first are here';
      return h('span', 'jp-nba-column', { title: `${column.name}. ${why}` }, label);
    }
    const mark = order
      ? `${order.descending ? '▾' : '▴'}${look.sort.length > 1 ? place + 1 : ''}`
      : '';
    const button = h(
      'button',
      'jp-nba-column',
      {
        type: 'button',
        title: `${column.name}\nClick sorts, with Shift by several columns; Alt+↓ opens the menu`,
        'aria-keyshortcuts': 'Alt+ArrowDown',
        tabindex: look.active === placed.at ? 0 : -1
      },
      label,
      mark ? h('span', 'jp-nba-order', { 'aria-hidden': 'true' }, mark) : null
    );
    button.addEventListener('click', event => {
      if (!this.dragged) {
        this.acts.sort(column.field, event.shiftKey || event.ctrlKey || event.metaKey);
      }
    });
    button.addEventListener('keydown', event => {
      const opens = event.key === 'ArrowDown' && event.altKey;
      if (opens || event.key === 'ContextMenu' || (event.shiftKey && event.key === 'F10')) {
        event.preventDefault();
        event.stopPropagation();
        this.acts.menu(column.field, button);
      } else if (event.key === 'Enter' && event.shiftKey) {
        event.preventDefault();
        this.acts.sort(column.field, true);
      }
    });
    this.drags(button, column.field, placed.at, look);
    return button;
  }

  private more(column: Column): HTMLElement {
    const more = h(
      'button',
      'jp-nba-more',
      {
        type: 'button',
        tabindex: -1,
        title: `Sort, filter, hide, pin or move ${column.name}`,
        'aria-label': `Menu of ${column.name}`,
        'aria-haspopup': 'dialog'
      },
      '⋮'
    );
    more.addEventListener('click', event => {
      event.stopPropagation();
      this.acts.menu(column.field, more);
    });
    return more;
  }

  /** The edge that is dragged to make a column wider; a double click makes it fit again. */
  private handle(column: Column, placed: Placed): HTMLElement {
    const handle = h('span', 'jp-nba-resize', { 'aria-hidden': 'true' });
    handle.addEventListener('pointerdown', event => {
      event.preventDefault();
      event.stopPropagation();
      const rtl = getComputedStyle(this.row).direction === 'rtl' ? -1 : 1;
      const from = event.clientX;
      follow(
        event.pointerId,
        moved => {
          const width = placed.width + rtl * (moved.clientX - from);
          this.acts.resize(column.field, Math.max(36, Math.min(2000, Math.round(width))));
        },
        () => undefined,
        this.signal
      );
    });
    handle.addEventListener('dblclick', () => this.acts.resize(column.field, null));
    return handle;
  }

  /** A name that is dragged takes its column along. */
  private drags(button: HTMLElement, field: string, at: number, look: HeadLook): void {
    button.addEventListener('pointerdown', event => {
      if (event.button !== 0 || event.pointerType === 'touch') {
        return;
      }
      const from = event.clientX;
      let to: number | null = null;
      this.dragged = false;
      follow(
        event.pointerId,
        moved => {
          if (this.dragged || Math.abs(moved.clientX - from) > 8) {
            this.dragged = true;
            to = this.target(moved.clientX, look);
            this.mark(to);
          }
        },
        () => {
          this.mark(null);
          if (to !== null && to !== at) {
            this.acts.move(field, to);
          }
          setTimeout(() => (this.dragged = false));
        },
        this.signal
      );
    });
  }

  private target(x: number, look: HeadLook): number | null {
    for (const cell of this.row.querySelectorAll<HTMLElement>('[role=columnheader]')) {
      const box = cell.getBoundingClientRect();
      if (x >= box.left && x <= box.right) {
        const at = Number(cell.getAttribute('aria-colindex')) - 1;
        return at < look.placed.length ? at : null;
      }
    }
    return null;
  }

  private mark(to: number | null): void {
    for (const cell of this.row.querySelectorAll('[role=columnheader]')) {
      const here = to !== null && Number(cell.getAttribute('aria-colindex')) - 1 === to;
      cell.classList.toggle('jp-mod-target', here);
    }
  }
}

/** Call `move` as a pointer moves until it is let go. */
function follow(
  id: number,
  move: (event: PointerEvent) => void,
  end: () => void,
  signal: AbortSignal
): void {
  const ended = new AbortController();
  const options = { signal: AbortSignal.any([signal, ended.signal]) };
  const done = (event: PointerEvent): void => {
    if (event.pointerId === id) {
      ended.abort();
      end();
    }
  };
  addEventListener('pointermove', event => event.pointerId === id && move(event), options);
  addEventListener('pointerup', done, options);
  addEventListener('pointercancel', done, options);
}
