/** Where rows and columns lie in a scrolled box. Numbers only. */

export const ROW = 24;
/** A row that shows three lines of its cells. */
export const TALL = 66;

/** Browsers clamp an element at about 33 million px; beyond this height the scroll bar stands for rows in proportion. */
export const MOST_HEIGHT = 10_000_000;

/**
 * From scroll positions to pixels of the whole table and back. Where the table is taller than an element can be, small
 * moves (wheel, touch, keys) scroll as anywhere, and large ones (the scroll bar) go in proportion.
 */
export class Scroll {
  /** Pixels of the table above the box. */
  top = 0;
  private real = 0;

  constructor(
    public total = 0,
    public room = 0
  ) {}

  /** The height to give the element. */
  get height(): number {
    return Math.min(this.total, MOST_HEIGHT);
  }

  /** What is to be added to a place in the table to get its place in the element. */
  get shift(): number {
    return Math.round(this.real - this.top);
  }

  private get most(): number {
    return Math.max(0, this.total - this.room);
  }

  private get mostReal(): number {
    return Math.max(0, this.height - this.room);
  }

  /** The box was scrolled to `real`. A number that is returned is where its scroll bar belongs instead. */
  moved(real: number): number | null {
    const step = real - this.real;
    this.real = real;
    if (this.total <= MOST_HEIGHT) {
      this.top = real;
      return null;
    }
    const small = Math.abs(step) <= 2 * this.room;
    this.top = small ? this.clamped(this.top + step) : this.proportion(real);
    const edge = real <= 0 || real >= this.mostReal - 1;
    if (!edge || !small) {
      return null;
    }
    if (this.top <= 2 * this.room || this.top >= this.most - 2 * this.room) {
      this.top = real <= 0 ? 0 : this.most;
      return null;
    }
    return this.settled();
  }

  /** Where the scroll bar belongs for what is in sight; null if it is there. */
  settled(): number | null {
    const wanted = this.most === 0 ? 0 : Math.round((this.top / this.most) * this.mostReal);
    if (this.total <= MOST_HEIGHT || Math.abs(wanted - this.real) <= 1) {
      return null;
    }
    this.real = wanted;
    return wanted;
  }

  /** Bring a place of the table to the top; where to scroll the box. */
  to(top: number): number {
    this.top = this.clamped(top);
    this.real =
      this.total <= MOST_HEIGHT
        ? this.top
        : this.top >= this.most
          ? this.mostReal
          : Math.round((this.top / this.most) * this.mostReal);
    return this.real;
  }

  private proportion(real: number): number {
    return this.mostReal === 0 ? 0 : Math.min(1, real / this.mostReal) * this.most;
  }

  private clamped(top: number): number {
    return Math.max(0, Math.min(this.most, top));
  }
}

/** A column as it lies: `start` counts from the row's edge, among pinned ones or among the others. */
export interface Placed {
  field: string;
  /** In the order shown. */
  at: number;
  start: number;
  width: number;
  pinned: boolean;
}

/** Lay columns side by side; what is left of `room` is shared out. */
export function placed(
  fields: readonly string[],
  pinned: readonly string[],
  width: (field: string) => number,
  fixed: (field: string) => boolean,
  room: number
): Placed[] {
  const own = fields.map(width);
  const pins = new Set(pinned);
  const wide = fields.reduce((sum, f, at) => sum + (pins.has(f) ? (own[at] ?? 0) : 0), 0);
  const mayPin = wide < room * 0.6;
  const free = fields.filter(field => !fixed(field)).length;
  const left = Math.max(0, room - own.reduce((sum, one) => sum + one, 0));
  const share = free > 0 ? Math.floor(left / free) : 0;
  const grown = fields.map((field, at) => {
    const base = own[at] ?? 0;
    return fixed(field) ? base : base + Math.min(share, Math.round(base * 2.5));
  });
  const rest = room - grown.reduce((sum, one) => sum + one, 0);
  const last = fields.findLastIndex(field => !fixed(field));
  let start = 0;
  return fields.map((field, at) => {
    // what rounding leaves goes to the last one
    const width = (grown[at] ?? 0) + (at === last && rest > 0 && rest <= free ? rest : 0);
    const column = { field, at, start, width, pinned: mayPin && pins.has(field) };
    start += width;
    return column;
  });
}

/** Which of the columns that are not pinned are in sight, [from, to); few are always all. */
export function inView(columns: readonly Placed[], left: number, room: number): [number, number] {
  const first = columns.findIndex(column => !column.pinned);
  if (first < 0) {
    return [columns.length, columns.length];
  }
  if (columns.length - first <= 40) {
    return [first, columns.length];
  }
  const pinned = columns[first]?.start ?? 0;
  let from = columns.findIndex(c => !c.pinned && c.start + c.width > left + pinned);
  from = Math.max(first, (from < 0 ? columns.length : from) - 4);
  from -= (from - first) % 4;
  let to = columns.findIndex(c => c.start > left + room);
  to = to < 0 ? columns.length : to;
  return [from, Math.min(columns.length, to + 8 - (to % 4))];
}
