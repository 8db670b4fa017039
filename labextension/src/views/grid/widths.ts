/** How wide columns are by themselves, and how their cells read, from a sample. */

import { columnNote, formatter } from '../../tabledata';
import type { Cell } from '../../tabledata';
import type { Column } from '../../wire';
import { h } from '../dom';
import type { Summaries } from './summaries';

export const SAMPLE = 300;
const LEAST = 5;
const MOST = 42;
const PADDING = 21;
/** Numbers grow as one scrolls; a number that is cut is another number. */
const NUMBER = 8;

interface Known {
  seen: number;
  sample: readonly Cell[];
  /** The smallest and the largest one counted already. */
  whole: boolean;
  format: (cell: Cell) => string;
  /** In characters. */
  length: number;
}

/** Formats of columns, learnt from the cells that are there and then kept, so that nothing moves. */
export class Formats {
  private readonly known = new Map<string, Known>();

  /** Look at more cells of a column. True if it reads otherwise now. */
  learn(column: Column, cells: readonly Cell[]): boolean {
    const known = this.known.get(column.field);
    if (cells.length === 0) {
      return false;
    }
    const some = cells.filter(cell => cell !== null && cell !== undefined).slice(0, SAMPLE);
    if (known && (known.seen >= 50 || some.length <= 2 * known.seen)) {
      return grown(column, known, some);
    }
    const format = formatter(column, some);
    const lengths = cells.slice(0, SAMPLE).map(c => (c === null ? 4 : format(c).length));
    const length = lengths.reduce((most, one) => Math.max(most, one), 0);
    this.known.set(column.field, {
      seen: some.length,
      sample: some,
      whole: false,
      format,
      length: Math.max(length, known?.length ?? 0)
    });
    return true;
  }

  /** The smallest and the largest number of columns are known now. True if any column reads otherwise for that. */
  informed(columns: readonly Column[], summaries: Pick<Summaries, 'whole'>): boolean {
    return columns
      .map(column => {
        const summary = summaries.whole(column.field);
        return summary !== null && this.know(column, [summary.min, summary.max]);
      })
      .some(Boolean);
  }

  private know(column: Column, extremes: readonly Cell[]): boolean {
    const known = this.known.get(column.field);
    if (!known || known.whole || column.kind !== 'number') {
      return false;
    }
    const all = [...known.sample, ...extremes.filter(cell => cell !== null && cell !== undefined)];
    const format = formatter(column, all);
    const length = all.reduce<number>((most, cell) => Math.max(most, format(cell).length), 0);
    const same = all.every(cell => format(cell) === known.format(cell)) && length <= known.length;
    Object.assign(known, { whole: true, format, length: Math.max(length, known.length) });
    return !same;
  }

  of(column: Column): (cell: Cell) => string {
    return this.known.get(column.field)?.format ?? formatter(column, []);
  }

  /** Words for a cell; edges of bars are numbers of milliseconds where cells are times. */
  text(column: Column): (cell: Cell) => string {
    const format = this.of(column);
    const time = column.kind === 'time';
    return cell =>
      cell === null || cell === undefined
        ? 'null'
        : format(time && typeof cell === 'number' ? instant(cell) : cell);
  }

  /** In characters, within reason. */
  width(column: Column, rows: number): number {
    const note = columnNote(column, rows).length * 0.85;
    const least = column.kind === 'number' && rows > SAMPLE ? NUMBER : 0;
    const cells = Math.max(least, this.known.get(column.field)?.length ?? 10);
    return Math.ceil(Math.min(MOST, Math.max(LEAST, column.name.length + 3, note, cells)));
  }
}

/** Characters as pixels in the font of `host`. */
export function pixels(characters: number, host: HTMLElement): number {
  let one = Number(host.dataset['ch']);
  if (!one) {
    const probe = h('span', 'jp-nba-probe', { 'aria-hidden': 'true' }, '0'.repeat(20));
    host.append(probe);
    one = probe.getBoundingClientRect().width / 20 || 8;
    probe.remove();
    host.dataset['ch'] = String(one);
  }
  return Math.round(characters * one + PADDING);
}

/** Numbers and times are never cut, as long as that is possible. */
function grown({ kind }: Column, known: Known, cells: readonly Cell[]): boolean {
  if (kind !== 'number' && kind !== 'time') {
    return false;
  }
  const before = known.length;
  for (const cell of cells) {
    known.length = Math.max(known.length, known.format(cell).length);
  }
  return known.length > before && before < MOST;
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/(?:\.000)?Z$/, '');
}
