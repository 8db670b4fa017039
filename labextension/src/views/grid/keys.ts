/** Which cell a key leads to. No DOM. */

export interface Place {
  /** -1 is the header. */
  row: number;
  column: number;
}

export interface Extent {
  rows: number;
  columns: number;
  /** Rows that PageDown passes. */
  page: number;
  rtl: boolean;
}

type Key = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey'>;

/** The cell that a key leads to from `at`, or null for a key that leads nowhere. */
export function step(key: Key, at: Place, extent: Extent): Place | null {
  const { rows, columns, page, rtl } = extent;
  const far = key.ctrlKey || key.metaKey;
  const { row, column } = at;
  const side = (by: number): Place => {
    const signed = rtl ? -by : by;
    return { row, column: far ? (signed > 0 ? columns - 1 : 0) : column + signed };
  };
  const to = {
    ArrowDown: () => ({ row: far ? rows - 1 : row + 1, column }),
    ArrowUp: () => ({ row: far && row > 0 ? 0 : row - 1, column }),
    ArrowRight: () => side(1),
    ArrowLeft: () => side(-1),
    PageDown: () => ({ row: Math.min(rows - 1, row + page), column }),
    PageUp: () => ({ row: Math.max(0, row - page), column }),
    Home: () => ({ row: far ? 0 : row, column: 0 }),
    End: () => ({ row: far ? rows - 1 : row, column: columns - 1 })
  }[key.key];
  if (!to) {
    return null;
  }
  const next = to();
  return {
    row: Math.max(-1, Math.min(rows - 1, next.row)),
    column: Math.max(0, Math.min(columns - 1, next.column))
  };
}

/** A rectangle of cells, ends included. */
export interface Range {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

/** The cells between two. */
export function between(a: Place, b: Place): Range {
  return {
    top: Math.max(0, Math.min(a.row, b.row)),
    bottom: Math.max(0, a.row, b.row),
    left: Math.min(a.column, b.column),
    right: Math.max(a.column, b.column)
  };
}

/** Cells as spreadsheets paste them: tabs between, a line a row, quotes where a cell holds either. */
export function tsv(rows: readonly (readonly string[])[]): string {
  const word = (text: string): string =>
    /[\t\n\r"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  return rows.map(row => row.map(word).join('\t')).join('\n');
}
