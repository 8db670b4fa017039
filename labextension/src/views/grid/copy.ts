/** Copying cells: what is marked as text, else the cells that are chosen, as spreadsheets paste them. */

import { exact } from '../../tabledata';
import type { Cell } from '../../tabledata';
import { toClipboard } from '../dom';
import { between, tsv } from './keys';
import type { Place, Range } from './keys';

/** More rows than this are for "Save as". */
export const MOST_COPIED = 10_000;

export interface Copied {
  /** The chosen cells; the active one at least. */
  range(): Range;
  placeOf(node: Node | null): Place | null;
  cell(row: number, column: number): Cell;
  /** Cells that are not all here, by row. */
  fetch(range: Range): Promise<Cell[][]>;
  say(words: string): void;
}

/** Answer a copy event. */
export function copies(event: ClipboardEvent, from: Copied): void {
  const selection = getSelection();
  let range = from.range();
  if (selection && !selection.isCollapsed && selection.toString() !== '') {
    const start = from.placeOf(selection.anchorNode);
    const end = from.placeOf(selection.focusNode);
    const apart = start && end && (start.row !== end.row || start.column !== end.column);
    if (!apart) {
      return;
    }
    range = between(start, end);
  }
  event.preventDefault();
  event.stopPropagation();
  const cut = { ...range, bottom: Math.min(range.bottom, range.top + MOST_COPIED - 1) };
  const words = said(range, cut);
  const here = cellsOf(cut, from);
  if (here) {
    event.clipboardData?.setData('text/plain', text(here));
    from.say(words);
  } else {
    from.fetch(cut).then(
      cells =>
        toClipboard(text(cells)).then(
          () => from.say(words),
          () => from.say('Copying is not allowed here')
        ),
      () => from.say('These cells could not be fetched')
    );
  }
}

function text(cells: readonly (readonly Cell[])[]): string {
  return tsv(cells.map(row => row.map(cell => (cell === null ? '' : exact(cell)))));
}

function cellsOf(range: Range, from: Copied): Cell[][] | null {
  const rows: Cell[][] = [];
  for (let row = range.top; row <= range.bottom; row += 1) {
    const cells: Cell[] = [];
    for (let column = range.left; column <= range.right; column += 1) {
      const cell = from.cell(row, column);
      if (cell === undefined) {
        return null;
      }
      cells.push(cell);
    }
    rows.push(cells);
  }
  return rows;
}

function said(asked: Range, cut: Range): string {
  const rows = cut.bottom - cut.top + 1;
  const columns = cut.right - cut.left + 1;
  if (asked.bottom > cut.bottom) {
    return `Copied the first ${rows.toLocaleString('en-US')} rows; Save as takes all`;
  }
  return rows === 1 && columns === 1 ? 'Copied' : `Copied ${rows} × ${columns} cells`;
}
