import { describe, expect, it } from 'vitest';
import {
  idsIn,
  isInterrupted,
  isLost,
  isRunning,
  mayMove,
  missing,
  newest,
  outdated,
  restoredOutput
} from '../src/notebook/lost';
import type { CellState, Place } from '../src/notebook/lost';
import { MIME } from '../src/wire';
import type { Provenance, Run } from '../src/wire';
import { record } from './records';

const ID = '01a20ce3-9500-746c-94e0-7cc768343bd';

function run(members: Partial<Run> = {}, provenance: Provenance = {}): Run {
  return {
    id: 'r1',
    kind: 'cell',
    started: '2026-11-23T11:00:00Z',
    name: null,
    parent_id: 's',
    session_id: 's',
    state: 'running',
    ended: null,
    error: null,
    seq: 1,
    ...members,
    provenance: { cell_id: 'c', execution_count: 3, kernel_id: 'k', ...provenance }
  };
}

const cell: CellState = { count: null, shown: new Set(), started: false, cleared: null };
const place: Place = { kernel: 'k', saved: Date.parse('2026-11-23T12:00:00Z') };

describe('what changes', () => {
  const bar = (state: string) => record({ type: 'progress', info: { state } });
  const table = (state: string) => record({ type: 'table', info: { rows: 1, live: { state } } });

  it('is a bar or a live table that runs', () => {
    expect([bar('running'), table('running')].every(isRunning)).toBe(true);
    expect([bar('finished'), table('failed'), table('interrupted')].some(isRunning)).toBe(false);
    expect([bar('interrupted'), table('interrupted')].every(isInterrupted)).toBe(true);
  });

  it('may have been saved while it moved, other artifacts not', () => {
    expect([bar('finished'), table('finished')].every(mayMove)).toBe(true);
    const others = [
      record(),
      record({ type: 'table', info: { rows: 1 } }),
      record({ type: 'display', info: { state: 'running', live: { state: 'running' } } })
    ];
    expect(others.some(mayMove) || others.some(isRunning)).toBe(false);
  });
});

describe('the newest run', () => {
  it('of each cell counts, whatever the order', () => {
    const later = run({ id: 'r2', started: '2026-11-23T11:00:01Z' });
    const other = run({ id: 'r3' }, { cell_id: 'd' });
    const none = run({ id: 'r4' }, { cell_id: null });
    expect([...newest([run(), later, other, none, run()])]).toEqual([
      ['c', later],
      ['d', other]
    ]);
  });
});

describe('a run is lost', () => {
  it('where the cell never came to its end in the document', () => {
    expect(isLost(run(), cell, place)).toBe(true);
  });

  it('where the document was saved before it began, whatever its number', () => {
    const before = { ...place, saved: Date.parse('2026-11-23T10:00:00Z') };
    expect(isLost(run(), { ...cell, count: 3 }, before)).toBe(true);
    expect(isLost(run(), { ...cell, count: 9 }, before)).toBe(true);
  });

  it('where the same kernel has gone further than the document', () => {
    expect(isLost(run(), { ...cell, count: 2 }, place)).toBe(true);
    expect(isLost(run(), { ...cell, count: 2 }, { ...place, kernel: 'other' })).toBe(false);
  });
});

describe('a run is not lost', () => {
  it('where the prompt has its number or a later one', () => {
    expect(isLost(run(), { ...cell, count: 3 }, place)).toBe(false);
    expect(isLost(run(), { ...cell, count: 4 }, place)).toBe(false);
  });

  it('where this page started it', () => {
    const started = { ...cell, started: true };
    expect(isLost(run(), started, place)).toBe(false);
    expect(isLost(run(), { ...started, count: 3 }, place)).toBe(false);
    expect(isLost(run(), { ...started, count: 2 }, place)).toBe(true);
  });

  it('where its outputs were cleared by hand', () => {
    expect(isLost(run(), { ...cell, cleared: 'r1' }, place)).toBe(false);
    expect(isLost(run(), { ...cell, cleared: 'r0' }, place)).toBe(true);
  });
});

describe('outputs', () => {
  const ours = (digit: string) => restoredOutput({ data: { [MIME]: { id: ID + digit } } });
  const stream = { output_type: 'stream' };

  it('name artifacts, and what comes back is marked', () => {
    expect(ours('1').metadata).toEqual({ nb_artifacts: { restored: true } });
    const hostile = { output_type: 'display_data', data: { [MIME]: { id: '../x' } } };
    expect(idsIn([stream, ours('1'), hostile])).toEqual(new Set([`${ID}1`]));
  });

  it('are missing in the order made, and at most twenty are shown', () => {
    const made = ['3', '1', '2'].map(digit => record({ id: ID + digit }));
    expect(missing(made, new Set([`${ID}2`])).map(({ id }) => id)).toEqual([`${ID}1`, `${ID}3`]);
    const many = Array.from({ length: 30 }, (_, n) => record({ id: String(n).padStart(3, '0') }));
    expect(missing(many, new Set())).toHaveLength(20);
  });

  it('that were not to be shown do not come back', () => {
    const unseen = record({ id: `${ID}1`, metadata_: { 'nb_artifacts.display': 'off' } });
    const seen = record({ id: `${ID}2`, metadata_: { by: 'hand' } });
    expect(missing([unseen, seen], new Set())).toEqual([seen]);
  });

  it('of an earlier run give way; those of the same run and the user’s own stay', () => {
    expect(outdated([stream, ours('1')], new Set([`${ID}2`]))).toEqual([1]);
    expect(outdated([stream, ours('1'), ours('2')], new Set([`${ID}2`]))).toEqual([]);
  });
});
