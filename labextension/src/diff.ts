/** What a comparison of two artifacts is asked, and what it says, as the server answers it. */

/** How tables are to be compared. */
export interface DiffAsk {
  /** The columns that name a row; null for a guess. */
  readonly keys: readonly string[] | null;
  /** Numbers that differ by no more are equal. */
  readonly tolerance: number;
}

/** Rows matched by a guess, numbers compared exactly. */
export const GUESS: DiffAsk = { keys: null, tolerance: 0 };

export interface Side {
  id: string;
  key: string | null;
  version: number | null;
  type: string | null;
}

export interface SchemaChange {
  field: string;
  change: 'added' | 'removed' | 'changed' | 'moved';
  from: string | null;
  to: string | null;
}

export interface ColumnChange {
  field: string;
  changed: number;
  nulls_from: number;
  nulls_to: number;
  mean_from: number | null;
  mean_to: number | null;
  min_from: number | null;
  min_to: number | null;
  max_from: number | null;
  max_to: number | null;
}

export interface RowChange {
  change: 'added' | 'removed' | 'changed';
  key: { [field: string]: unknown };
  /** Before and after; of a changed row only the cells that changed. */
  cells: { [field: string]: [unknown, unknown] };
  from: number | null;
  to: number | null;
}

export interface TableDiff {
  schema: SchemaChange[];
  keys: string[];
  keys_guessed: boolean;
  matched_by: 'given' | 'index' | 'guessed' | 'position';
  keys_unique: boolean;
  rows_from: number;
  rows_to: number;
  added: number;
  removed: number;
  changed: number;
  same: number;
  columns: ColumnChange[];
  rows: RowChange[];
}

export interface TextDiff {
  lines: ['=' | '-' | '+' | '…', string][];
  added: number;
  removed: number;
  whole: boolean;
}

export interface ImageDiff {
  width: number | null;
  height: number | null;
  width_from: number | null;
  height_from: number | null;
  changed_pixels: number | null;
  total_pixels: number | null;
  /** A `data:` address of a PNG. */
  difference: string | null;
}

export interface NumberDiff {
  from: number | null;
  to: number | null;
  series: {
    version: number | null;
    value: number | null;
    state: string | null;
    seconds: number | null;
  }[];
}

export interface Diff {
  type: string | null;
  from: Side;
  to: Side;
  same: boolean;
  note?: string | null;
  table?: TableDiff | null;
  text?: TextDiff | null;
  image?: ImageDiff | null;
  number?: NumberDiff | null;
}
