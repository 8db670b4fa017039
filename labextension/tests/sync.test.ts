import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Sync } from '../src/client';
import { ArtifactsModel } from '../src/model';
import { syncState, syncWords } from '../src/panel/sync';
import { openSource } from '../src/source';
import { headOf } from '../src/views/card';
import type { WireRecord } from '../src/wire';
import { record } from './records';
import { clientOf, Events, fakeLocks, json } from './server';

const now = new Date('2026-01-01T12:00:00Z');
const sync = (more: Partial<Sync> = {}): Sync => ({
  address: 'https://artifacts.example.org/api',
  host: 'artifacts.example.org',
  pending: 0,
  oldest: null,
  kept_here: 0,
  parked: [],
  problem: null,
  since: null,
  last_error: null,
  last_ok: null,
  ...more
});
const parked = [{ id: 'x', key: 'k', error: 'too large' }];

describe('how it stands with the API, in words', () => {
  it.each<[string, string, Partial<Sync>]>([
    ['Also at artifacts.example.org', 'sent', {}],
    ['3 on their way', 'sending', { pending: 3 }],
    [
      '3 not sent · artifacts.example.org unreachable for 2 min',
      'away',
      { pending: 3, problem: 'unreachable', since: '2026-01-01T11:58:00Z' }
    ],
    [
      '1,200 not sent · artifacts.example.org wants another key',
      'denied',
      { pending: 1200, problem: 'denied' }
    ],
    ['1 refused', 'refused', { parked }]
  ])('%s', (words, state, more) => {
    expect(syncWords(sync(more), now)).toBe(words);
    expect(syncState(sync(more))).toBe(state);
  });
});

describe('a store that is sent to an API', () => {
  const models: ArtifactsModel[] = [];
  beforeEach(() => void vi.stubGlobal('navigator', { ...navigator, locks: fakeLocks() }));
  afterEach(() => {
    models.splice(0).forEach(model => model.dispose());
    vi.unstubAllGlobals();
  });

  const mine = record({ key: 'k', version: null, seq: 7 });
  const theirs = record({
    id: '00000000-0000-7000-8000-000000000009',
    key: 'k',
    version: 8,
    seq: 900,
    created: new Date(Date.now() + 60_000).toISOString()
  });

  async function setup(kept: WireRecord[]): Promise<{
    model: ArtifactsModel;
    events: Events;
    asked: string[];
    keep: (next: WireRecord[]) => void;
    stand: (next: Sync) => void;
  }> {
    const events = new Events();
    let state = sync({ pending: 1 });
    const { client, asked } = clientOf((path, body, signal) => {
      if (path === 'events') {
        return events.response(signal);
      }
      if (path === 'status') {
        return json({ store: 's1', where: '/x', artifacts: 1, keys: 1, sync: state });
      }
      return json(path === 'sync' ? state : kept);
    });
    const model = new ArtifactsModel(client);
    models.push(model);
    await vi.waitFor(() => expect(asked).toContain('GET events'));
    await vi.waitFor(() => expect(model.status).not.toBeNull());
    events.hello(7);
    return {
      model,
      events,
      asked,
      keep: next => (kept = next),
      stand: next => (state = next)
    };
  }

  it('keeps its own unsent version newest, and takes the number that comes', async () => {
    const { model, events, keep } = await setup([mine]);
    events.elsewhere({ seq: 900, kind: 'artifact', record: theirs });
    events.elsewhere({ seq: 901, kind: 'artifact', record: { ...theirs, key: 'other' } });
    await vi.waitFor(() => expect(model.latest.map(one => one.key)).toEqual(['other', 'k']));
    expect(model.latest[1]?.version).toBeNull();
    keep([theirs]);
    events.elsewhere({ seq: 902, kind: 'artifact', record: { ...mine, version: 7 } });
    await vi.waitFor(() =>
      expect(model.latest.map(one => [one.key, one.version])).toContainEqual(['k', 8])
    );
  });

  it('follows its own feed after what others published under far higher numbers', async () => {
    const { model, events } = await setup([]);
    events.elsewhere({ seq: 900, kind: 'artifact', record: theirs });
    events.changed({ ...mine, key: 'own', seq: 8 });
    await vi.waitFor(() => expect(model.latest.map(one => one.key)).toContain('own'));
    events.elsewhere({
      seq: 903,
      kind: 'deleted',
      deleted: { id: theirs.id, key: 'k', version: 8, deleted: '' }
    });
    await vi.waitFor(() => expect(model.latest.map(one => one.key)).toEqual(['own']));
  });

  it('looks at the lists again when the server says so', async () => {
    const { model, events, keep } = await setup([]);
    keep([theirs]);
    events.raw('event: again\ndata: {}\n\n');
    await vi.waitFor(() => expect(model.latest).toHaveLength(1));
  });

  it('tries again when asked to, and tells what came of it', async () => {
    const { model, asked, stand } = await setup([]);
    stand(sync());
    await model.retrySync();
    expect(asked).toContain('POST sync');
    expect(model.status?.sync?.pending).toBe(0);
  });

  it('is wary of what only the shared server has, whatever run it names', async () => {
    const { client } = clientOf(path => {
      if (path.startsWith('runs/')) {
        return json({ id: theirs.id, state: 'completed', session_id: null, provenance: {} });
      }
      const whole = json({ ...(path.endsWith(theirs.id) ? theirs : mine), flow_run_id: theirs.id });
      if (path.endsWith(theirs.id)) {
        whole.headers.set('X-NB-Artifacts-Elsewhere', '1');
      }
      return whole;
    });
    const tools = {} as Parameters<typeof openSource>[2];
    const stop = new AbortController();
    const own = await openSource(client, mine.id, tools, stop.signal);
    const strange = await openSource(client, theirs.id, tools, stop.signal);
    stop.abort();
    expect([own.local, strange.local]).toEqual([true, false]);
  });

  it('says pending on the card of what has no number yet', () => {
    const text = (one: WireRecord): string =>
      headOf(one)
        .map(node => node.textContent)
        .join(' ');
    expect(text(mine)).toContain('pending');
    expect(text({ ...mine, seq: 0 })).not.toContain('pending');
    expect(text({ ...mine, version: 7 })).toContain('v7');
  });
});
