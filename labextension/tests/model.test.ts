import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ArtifactsModel } from '../src/model';
import type { WireRecord } from '../src/wire';
import { record } from './records';
import { clientOf, Events, fakeLocks, json } from './server';

const models: ArtifactsModel[] = [];
beforeEach(() => void vi.stubGlobal('navigator', { ...navigator, locks: fakeLocks() }));
afterEach(() => {
  models.splice(0).forEach(model => model.dispose());
  vi.unstubAllGlobals();
});

function setup(records: WireRecord[]): {
  model: ArtifactsModel;
  events: Events;
  asked: string[];
  keep: (next: WireRecord[]) => void;
  break: (broken: boolean) => void;
} {
  const events = new Events();
  let kept = records;
  let broken = false;
  const { client, asked } = clientOf((path, body, signal) => {
    if (broken) {
      throw new TypeError('network');
    }
    if (path === 'events') {
      return events.response(signal);
    }
    if (path === 'status') {
      return json({
        store: 's1',
        where: '/x',
        artifacts: 1,
        keys: 1,
        blob_bytes: 0,
        seq: 1,
        version: '0'
      });
    }
    const {
      offset = 0,
      limit = 200,
      artifacts
    } = body as { offset?: number; limit?: number; artifacts?: never };
    return json(artifacts ? kept : kept.slice(offset, offset + limit));
  });
  const model = new ArtifactsModel(client);
  models.push(model);
  return { model, events, asked, keep: next => (kept = next), break: value => (broken = value) };
}

const id = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const made = (n: number, key: string, more: Partial<WireRecord> = {}): WireRecord =>
  record({
    id: id(n),
    key,
    seq: n,
    created: new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString(),
    ...more
  });
const keys = (model: ArtifactsModel): (string | null)[] => model.latest.map(one => one.key);

describe('the model', () => {
  it('lists keys newest first, page by page', async () => {
    const { model, asked } = setup(Array.from({ length: 450 }, (_, n) => made(n + 1, `k${n + 1}`)));
    await vi.waitFor(() => expect(model.state).toBe('ready'));
    expect(keys(model).slice(0, 2)).toEqual(['k450', 'k449']);
    expect(model.latest).toHaveLength(450);
    expect(asked.filter(path => path.includes('latest/filter'))).toHaveLength(3);
  });

  it('follows the feed: a change in place, a new version to the top, an older one not at all', async () => {
    const { model, events, asked } = setup([
      made(2, 'b', { type: 'progress', data: 1 }),
      made(1, 'a')
    ]);
    await vi.waitFor(() => expect(asked).toContain('GET events'));
    await vi.waitFor(() => expect(model.state).toBe('ready'));
    events.hello(2);
    events.changed({ ...made(1, 'a'), seq: 3, description: 'new words' });
    await vi.waitFor(() => expect(model.latest[1]?.description).toBe('new words'));
    expect(keys(model)).toEqual(['b', 'a']);
    events.changed({ ...made(4, 'a'), version: 2 });
    await vi.waitFor(() => expect(keys(model)).toEqual(['a', 'b']));
    events.changed({ ...made(1, 'a'), seq: 5 });
    events.changed({ ...made(6, 'x'), key: null });
    events.changed(made(7, 'c'));
    await vi.waitFor(() => expect(keys(model)).toEqual(['c', 'a', 'b']));
    expect(model.latest[1]?.version).toBe(2);
  });

  it('shows the version before when the newest is deleted', async () => {
    const { model, events, keep } = setup([made(2, 'a', { version: 2 })]);
    await vi.waitFor(() => expect(model.state).toBe('ready'));
    events.hello(2);
    await vi.waitFor(() => expect(model.status).not.toBeNull());
    keep([made(1, 'a', { version: 1 })]);
    events.change({
      seq: 3,
      kind: 'deleted',
      deleted: { id: id(2), key: 'a', version: 2, deleted: '' }
    });
    await vi.waitFor(() => expect(model.latest.map(one => one.version)).toEqual([1]));
  });

  it('filters by words and types together', async () => {
    const { model } = setup([
      made(1, 'flights-by-carrier', {
        type: 'table',
        description: 'Delays per **carrier**',
        tags: ['daily']
      }),
      made(2, 'january-report', { description: 'Delays' }),
      made(3, 'logo', { type: 'image' })
    ]);
    await vi.waitFor(() => expect(model.state).toBe('ready'));
    const visible = (text: string, ...types: string[]): (string | null)[] => {
      model.text = text;
      model.types = new Set(types);
      return model.visible().map(one => one.key);
    };
    expect(visible('delays')).toEqual(['january-report', 'flights-by-carrier']);
    expect(visible('delays', 'table')).toEqual(['flights-by-carrier']);
    expect(visible('CARRIER daily')).toEqual(['flights-by-carrier']);
    expect(visible('nothing like it')).toEqual([]);
    expect(visible('', 'image', 'table')).toEqual(['logo', 'flights-by-carrier']);
    expect([...model.counts()]).toEqual([
      ['image', 1],
      ['markdown', 1],
      ['table', 1]
    ]);
  });

  it('keeps what it has when the store goes away', async () => {
    const { model, events, break: breakIt } = setup([made(1, 'a')]);
    await vi.waitFor(() => expect(model.state).toBe('ready'));
    events.hello(1);
    await vi.waitFor(() => expect(model.status).not.toBeNull());
    breakIt(true);
    await model.refresh();
    expect(model.state).toBe('offline');
    expect(model.offlineSince).toBeInstanceOf(Date);
    expect(keys(model)).toEqual(['a']);
    breakIt(false);
    await model.refresh();
    expect(model.state).toBe('ready');
  });

  it('says what is wrong when there is nothing to show', async () => {
    const { client } = clientOf(() => new Response('no', { status: 404 }));
    const model = new ArtifactsModel(client);
    models.push(model);
    await vi.waitFor(() => expect(model.state).toBe('error'));
    expect(model.error).toBe('The nb_artifacts server extension is not running.');
  });

  it('is silent after it was disposed of', async () => {
    const { model } = setup([made(1, 'a')]);
    let emitted = 0;
    model.changed.connect(() => (emitted += 1));
    model.dispose();
    await model.refresh();
    expect(emitted).toBe(0);
  });
});
