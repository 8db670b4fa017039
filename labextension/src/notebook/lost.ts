/**
 * Which outputs a notebook's document has lost: what its cells made, as the store knows it, against what the document
 * holds. Pure functions; nothing here touches a widget.
 */

import { referenceOf } from '../reference';
import type { ProgressInfo, Run, TableInfo, WireRecord } from '../wire';

/** As many artifacts as one cell shows; the kernel keeps to the same number. */
export const MOST_SHOWN = 20;

/** Metadata of cells and outputs under this name are ours. */
export const OURS = 'nb_artifacts';

/** What the document says of a cell. */
export interface CellState {
  /** Its prompt's number; null where it never ran to its end in this document. */
  count: number | null;
  /** Ids of the artifacts that its outputs name. */
  shown: ReadonlySet<string>;
  /** It was started from this page, which therefore gets its outputs from the kernel. */
  started: boolean;
  /** The run whose outputs were cleared by hand. */
  cleared: string | null;
}

/** What is known of the document and its kernel. */
export interface Place {
  kernel: string | null;
  /** When the document was last saved or loaded, as the server tells the time. */
  saved: number | null;
}

/** The newest run of each cell. */
export function newest(runs: Iterable<Run>): Map<string, Run> {
  const found = new Map<string, Run>();
  for (const run of runs) {
    const cell = run.provenance.cell_id;
    const known = cell ? found.get(cell) : undefined;
    if (cell && (known === undefined || Date.parse(known.started) < Date.parse(run.started))) {
      found.set(cell, run);
    }
  }
  return found;
}

/**
 * Whether the document missed (part of) a run of a cell. It did not where its prompt has the run's number or a later
 * one, unless that number is an earlier kernel's, from before the run began.
 */
export function isLost(run: Run, cell: CellState, place: Place): boolean {
  const number = run.provenance.execution_count ?? null;
  if (cell.cleared === run.id) {
    return false;
  }
  if (cell.started && (cell.count === null || number === null || number <= cell.count)) {
    return false;
  }
  if (cell.count === null) {
    return true;
  }
  const unseen = place.saved !== null && Date.parse(run.started) > place.saved;
  const same = run.provenance.kernel_id != null && run.provenance.kernel_id === place.kernel;
  return unseen || (same && number !== null && number > cell.count);
}

/** Metadata of what its cell was told not to show. */
const HIDDEN = 'nb_artifacts.display';

/** Artifacts of a run that its cell would show, in the order made, without those that the outputs name. */
export function missing(records: readonly WireRecord[], shown: ReadonlySet<string>): WireRecord[] {
  return records
    .filter(record => record.metadata_?.[HIDDEN] !== 'off')
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .slice(0, MOST_SHOWN)
    .filter(record => !shown.has(record.id));
}

/** Whether an artifact still changes. */
export function isRunning(record: WireRecord): boolean {
  return stateOf(record) === 'running';
}

/** Whether it is a bar or a live table that came to no end of its own. */
export function isInterrupted(record: WireRecord): boolean {
  return stateOf(record) === 'interrupted';
}

/** Whether it may have been saved while it changed: a bar, or a live table. */
export function mayMove(record: WireRecord): boolean {
  return record.type === 'progress' || stateOf(record) !== null;
}

/** The state of a bar or a live table; a Prefect client writes a percentage alone, and nobody knows who writes it. */
function stateOf({ type, info }: WireRecord): ProgressInfo['state'] | null {
  const told =
    type === 'progress' ? info : type === 'table' ? (info as Partial<TableInfo>).live : null;
  return (told as Partial<ProgressInfo> | null | undefined)?.state ?? null;
}

/** An output that may stand in a document. */
export interface Output {
  output_type: string;
  data?: { [mime: string]: unknown };
  metadata?: { [name: string]: unknown };
}

/** The ids of the artifacts that outputs name. */
export function idsIn(outputs: readonly Output[]): Set<string> {
  return new Set(outputs.flatMap(output => idOf(output) ?? []));
}

/** The id of the artifact that an output names, or null. */
export function idOf({ data }: Output): string | null {
  return data ? (referenceOf(data)?.id ?? null) : null;
}

/** The output that puts an artifact back, marked as such. */
export function restoredOutput(bundle: { data: { [mime: string]: unknown } }): Output {
  return {
    output_type: 'display_data',
    data: bundle.data,
    metadata: { [OURS]: { restored: true } }
  };
}

/**
 * Outputs of an earlier run that a lost one would have replaced: those of ours, where none is of the lost run. The
 * user's own other outputs stay.
 */
export function outdated(outputs: readonly Output[], ofRun: ReadonlySet<string>): number[] {
  const ids = outputs.map(idOf);
  return ids.some(id => id !== null && ofRun.has(id))
    ? []
    : ids.flatMap((id, index) => (id === null ? [] : [index]));
}
