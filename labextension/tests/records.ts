/** Records for tests. */

import type { WireRecord } from '../src/wire';

export function record(members: Partial<WireRecord> = {}): WireRecord {
  return {
    id: '01a20ce3-9500-746c-94e0-7cc768343bdb',
    created: '2026-11-23T11:00:00Z',
    updated: '2026-11-23T11:00:00Z',
    key: 'a-key',
    type: 'markdown',
    description: null,
    data: null,
    metadata_: null,
    flow_run_id: null,
    task_run_id: null,
    version: 1,
    seq: 1,
    tags: [],
    info: {},
    blob: null,
    ...members
  };
}
