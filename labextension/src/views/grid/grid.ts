/** The grid: it joins what is known of the rows, how a person looks at them, and the elements that show them. */

import { ALL } from '../../rows';
import type { Rows, View } from '../../rows';
import type { Cell } from '../../tabledata';
import type { Column } from '../../wire';
import { h, inSight, onResize } from '../dom';
import { headLook, pictured, toolsActs, toolsLook } from './looks';
import { Body } from './body';
import type { Look, Window } from './body';
import { Charted } from './charted';
import { Detail } from './detail';
import { ROW, Scroll, TALL, inView, placed } from './geometry';
import type { Placed } from './geometry';
import { Hands } from './hands';
import { Head } from './head';
import { openMenu } from './menu';
import { Notes } from './notes';
import { GROUP, Pages } from './pages';
import { ScrollBox } from './scrollbox';
import { begun, keep, levels, moved, narrowed, shownFields, sortBy } from './state';
import type { GridState } from './state';
import { Summaries } from './summaries';
import { Tools } from './tools';
import { Formats, SAMPLE, pixels } from './widths';

const SPARE = 12;

export interface GridOptions {
  /** What it is called. */
  label: string;
  /** Under which name its state is kept. */
  name: string;
  rows: Rows;
  columns: Column[];
  total: number;
  /** Columns of the whole table, index levels aside. */
  columnCount: number;
  /** The first rows, by column. */
  seed: Cell[][];
  /** Ask for the columns that `columns` leaves out. */
  more(): void;
}

export class Grid {
  readonly element: HTMLElement;
  readonly box: HTMLElement;
  readonly body: Body;
  readonly head: Head;
  readonly detail: Detail;
  readonly tools: Tools;
  readonly pages: Pages;
  readonly scroll = new Scroll();
  readonly formats = new Formats();
  readonly summaries: Summaries;
  readonly scrolls: ScrollBox;
  state: GridState;
  placed: Placed[] = [];

  readonly fields: string[];
  private readonly byField: Map<string, { column: Column; at: number }>;
  readonly hands: Hands;
  private readonly notes = new Notes();
  readonly charted: Charted;
  private window: Window = [0, 0];
  shown: string[] = [];
  /** The menu that is open without its summary hears of it. */
  menuWaits: (() => void) | null = null;
  /** Rows are asked for once the grid is in sight. */
  private seen = typeof IntersectionObserver === 'undefined';

  constructor(
    readonly options: GridOptions,
    readonly signal: AbortSignal
  ) {
    const { columns, rows } = options;
    this.fields = columns.map(({ field }) => field);
    this.byField = new Map(columns.map((column, at) => [column.field, { column, at }]));
    this.state = begun(rows.whole ? options.name : null, columns);
    this.pages = new Pages({
      fields: this.fields,
      rows,
      view: ALL,
      total: options.total,
      changed: () => this.arrived()
    });
    this.pages.seed(options.seed, !rows.whole || (options.seed[0]?.length ?? 0) >= options.total);
    this.hands = new Hands(this);
    this.summaries = new Summaries(rows, options.total, () => this.informed());
    this.body = new Body(this.look());
    this.head = new Head(
      {
        sort: (field, add) => this.sort(field, add),
        menu: (field, anchor) => openMenu(this, field, anchor),
        resize: (field, width) => this.resize(field, width),
        move: (field, to) => this.move(field, to)
      },
      signal
    );
    this.box = h(
      'div',
      'jp-nba-grid-box',
      { role: 'grid', 'aria-label': options.label, 'aria-multiselectable': 'true' },
      this.head.element,
      this.body.element,
      this.notes.none
    );
    this.scrolls = new ScrollBox(this.box, this.scroll, () => this.paint());
    this.detail = new Detail(() => this.hands.focus());
    this.tools = new Tools(toolsActs(this), signal);
    this.charted = new Charted(this);
    const { charted, tools } = this;
    this.element = h(
      'div',
      'jp-nba-grid',
      {},
      tools.top,
      charted.element,
      this.box,
      this.notes.alert,
      this.detail.element,
      tools.element
    );
  }

  /** Begin, once the element stands in the page. */
  start(): void {
    const { box, signal } = this;
    this.learn();
    this.layout();
    this.drawTools();
    this.hands.listen();
    this.scrolls.listen(signal);
    onResize(box, () => this.layout(), signal);
    const { pages, summaries } = this;
    signal.addEventListener('abort', () => pages.dispose(), { once: true });
    signal.addEventListener('abort', () => summaries.stop(), { once: true });
    const { view } = this.state;
    if (view.sort.length > 0 || narrowed(view)) {
      this.pages.show(view);
      this.summaries.show(view);
    }
    this.charted.draw();
    if (!this.seen) {
      void inSight(box, signal).then(() => {
        this.seen = true;
        this.paint();
      });
    }
  }

  /** The table has changed: it has `total` rows now. */
  refresh(total: number): void {
    const { scroll } = this;
    this.hands.following = scroll.total > 0 && scroll.top + scroll.room >= scroll.total - ROW;
    this.pages.refresh(total);
    this.summaries.refresh();
    this.charted.refresh();
  }

  column(field: string): Column {
    return (this.byField.get(field) as { column: Column }).column;
  }

  get rowHeight(): number {
    return this.state.wrap ? TALL : ROW;
  }

  cell(row: number, at: number): Cell {
    const place = this.byField.get(this.shown[at] ?? '');
    return place ? this.pages.cell(row, place.at) : null;
  }

  sort(field: string, add: boolean): void {
    this.show({ ...this.state.view, sort: sortBy(this.state.view.sort, field, add) });
  }

  /** Show other rows, or another order. */
  show(view: View): void {
    this.set({ view });
    this.scrolls.hold(narrowed(view));
    this.hands.top();
    this.summaries.show(view);
    this.pages.show(view);
    this.charted.refresh();
    this.drawHead();
  }

  move(field: string, to: number): void {
    this.set({ order: [...moved(this.shown, field, to), ...this.state.hidden] });
    this.layout();
  }

  resize(field: string, width: number | null): void {
    const others = this.state.widths.filter(([one]) => one !== field);
    this.set({ widths: width === null ? others : [...others, [field, width]] });
    this.layout();
  }

  set(change: Partial<GridState>): void {
    this.state = { ...this.state, ...change };
    keep(this.options.name, this.state);
  }

  /** Columns have changed, or the room for them. */
  layout(): void {
    const { state, box } = this;
    this.shown = shownFields(this.fields, state);
    const widths = new Map(state.widths);
    const rows = this.pages.total;
    this.placed = placed(
      this.shown,
      state.pinned,
      field => widths.get(field) ?? pixels(this.formats.width(this.column(field), rows), box),
      field => widths.has(field),
      box.clientWidth
    );
    const width = this.placed.reduce((sum, column) => sum + column.width, 0);
    this.element.style.setProperty('--nba-row', `${this.rowHeight}px`);
    this.element.classList.toggle('jp-mod-wrap', state.wrap);
    this.body.element.style.inlineSize = this.head.element.style.inlineSize = `${width}px`;
    this.window = [-1, -1];
    this.body.reshape(this.look());
    box.setAttribute('aria-colcount', String(this.columnTotal()));
    this.measure();
    this.paint();
  }

  /** Cells, or what is chosen among them, have changed. */
  renew(): void {
    this.body.renew(this.look());
    this.paint();
  }

  paint(): void {
    const { scroll, rowHeight, box, body, pages } = this;
    const window = inView(this.placed, Math.abs(box.scrollLeft), box.clientWidth);
    if (window[0] !== this.window[0] || window[1] !== this.window[1]) {
      this.window = window;
      this.drawHead();
      this.measure();
    }
    const room = scroll.room;
    const first = Math.max(0, Math.floor(scroll.top / rowHeight) - SPARE);
    const from = first - (first % 4);
    const to = Math.min(pages.rowCount, Math.ceil((scroll.top + room) / rowHeight) + SPARE);
    body.draw(from, to, scroll.shift, window, this.hands.stays());
    if (this.seen) {
      this.want(from, to);
    }
  }

  /** Heights: of the rows in all, and of what is in sight. */
  measure(): void {
    const { box, scroll, pages, rowHeight, body, head } = this;
    const total = pages.rowCount * rowHeight;
    if (total !== scroll.total) {
      scroll.total = total;
      body.element.style.blockSize = `${scroll.height}px`;
      box.setAttribute('aria-rowcount', String(pages.rowCount + 1));
    }
    scroll.room = Math.max(0, box.clientHeight - head.element.offsetHeight) || 10 * rowHeight;
    if (scroll.top > Math.max(0, total - scroll.room)) {
      this.scrolls.to(total);
    }
  }

  drawHead(): void {
    this.head.draw(headLook(this), this.window);
  }

  /** Ask for what is in sight and not here. */
  private want(from: number, to: number): void {
    const { placed, window, fields } = this;
    const seen = placed.filter(({ at, pinned }) => pinned || (at >= window[0] && at < window[1]));
    const places = seen.map(({ field }) => this.byField.get(field)?.at ?? 0);
    const groups = [...new Set(places.map(at => Math.floor(at / GROUP)))];
    this.pages.want(from, to, groups);
    if (pictured(this)) {
      const all = fields.length <= GROUP;
      this.summaries.want(all ? fields : seen.map(({ field }) => field), all, this.pages.awaited);
    }
  }

  private arrived(): void {
    const { pages, hands } = this;
    this.measure();
    if (hands.following && !pages.stale) {
      hands.following = false;
      this.scrolls.to(this.scroll.total);
    }
    if (this.learn()) {
      this.layout();
    }
    this.renew();
    this.drawTools();
    if (this.detail.open) {
      hands.explain();
    }
  }

  drawTools(): void {
    const { pages } = this;
    const busy = pages.stale && pages.loading;
    this.element.classList.toggle('jp-mod-stale', busy);
    this.box.setAttribute('aria-busy', String(busy));
    this.notes.draw(this);
    this.tools.draw(toolsLook(this, busy));
  }

  /** Formats and widths, from the cells that are here. True if anything reads otherwise now. */
  private learn(): boolean {
    const { pages, options, formats } = this;
    const from = Math.floor(this.scroll.top / this.rowHeight);
    const to = Math.min(pages.rowCount, from + SAMPLE);
    return options.columns
      .map((column, at) => formats.learn(column, pages.column(at, from, to)))
      .some(Boolean);
  }

  /** A summary came: numbers read as suits all of them. */
  private informed(): void {
    if (this.formats.informed(this.options.columns, this.summaries)) {
      this.layout();
    }
    this.drawHead();
    this.menuWaits?.();
  }

  private look(): Look {
    const columns = this.shown.map(field => this.column(field));
    return {
      placed: this.placed,
      columns,
      formats: columns.map(column => this.formats.of(column)),
      cell: (row, at) => this.cell(row, at),
      rowHeight: this.rowHeight,
      rowCount: this.pages.rowCount,
      active: this.hands.active,
      range: this.hands.range
    };
  }

  /** How many columns there are for assistive technology. */
  private columnTotal(): number {
    const { columns, columnCount } = this.options;
    const all = columnCount + levels(columns).length;
    return this.state.hidden.length > 0 ? this.placed.length : all;
  }
}
