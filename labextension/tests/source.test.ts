import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openSource } from '../src/source';
import type { Change } from '../src/wire';
import { record } from './records';
import { clientOf, Events, fakeLocks, json } from './server';

beforeEach(() => void vi.stubGlobal('navigator', { ...navigator, locks: fakeLocks() }));
afterEach(() => void vi.unstubAllGlobals());

describe('a source', () => {
  const made = record({
    seq: 1,
    type: 'progress',
    task_run_id: '01a20ce3-9500-746c-94e0-7cc7683430aa'
  });

  it.each<[string, Partial<Change>]>([
    ['changed', { kind: 'artifact', record: { ...made, seq: 2 } }],
    [
      'deleted',
      { kind: 'deleted', deleted: { id: made.id, key: null, version: null, deleted: '' } }
    ]
  ])('misses nothing of what was %s while it was asked for', async (what, change) => {
    const events = new Events();
    const ended = new AbortController();
    const { client, asked } = clientOf((path, _, signal) => {
      if (path === 'events') {
        return events.response(signal);
      }
      if (path.startsWith('runs/')) {
        events.change({ seq: 2, ...change } as Change);
        return new Promise(resolve => setTimeout(() => resolve(json(null, 404)), 20));
      }
      return json(made);
    });
    const live = new Promise(resolve =>
      client.changes.subscribe({ reset: () => resolve(true) }, ended.signal)
    );
    await vi.waitFor(() => expect(asked).toContain('GET events'));
    events.hello(1);
    await live;
    const source = await openSource(client, made.id, {}, ended.signal);
    expect(what === 'changed' ? source.record.seq : source.deleted).toBe(
      what === 'changed' ? 2 : true
    );
    ended.abort();
  });
});
