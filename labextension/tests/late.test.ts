/** Answers that come late: they never undo what came meanwhile, nor what was asked for since. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Client } from '../src/client';
import { ArtifactsModel } from '../src/model';
import { PageModel } from '../src/panel/pagemodel';
import { RunModel } from '../src/panel/runmodel';
import { RunningModel } from '../src/running/model';
import type { Run, WireRecord } from '../src/wire';
import { record } from './records';
import { clientOf, Events, fakeLocks, json } from './server';

/** A server whose answers to `path` wait until the test gives them. */
class Late {
  readonly events = new Events();
  readonly client: Client;
  readonly asked: string[];
  private readonly waiting: { path: string; give: (response: Response) => void }[] = [];

  constructor(atOnce: { [path: string]: unknown } = {}) {
    ({ client: this.client, asked: this.asked } = clientOf((path, _body, signal) => {
      if (path === 'events') {
        return this.events.response(signal);
      }
      return path in atOnce
        ? json(atOnce[path])
        : new Promise(give => this.waiting.push({ path, give }));
    }));
  }

  /** Wait for requests to `path`, then answer the one at `place` of those that wait. */
  async answer(path: string, value: unknown, place = 0): Promise<void> {
    const those = (): typeof this.waiting => this.waiting.filter(one => one.path === path);
    await vi.waitFor(() => expect(those().length).toBeGreaterThan(place));
    const [one] = those().slice(place);
    this.waiting.splice(this.waiting.indexOf(one as (typeof this.waiting)[number]), 1);
    one?.give(json(value));
  }

  async greet(seq: number): Promise<void> {
    await vi.waitFor(() => expect(this.asked).toContain('GET events'));
    this.events.hello(seq);
  }
}

const id = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const made = (n: number, key: string, more: Partial<WireRecord> = {}): WireRecord =>
  record({ id: id(n), key, version: n, seq: n, created: `2026-01-01T00:00:0${n}Z`, ...more });

const ended: { dispose(): void }[] = [];
function open<T extends { dispose(): void }>(model: T): T {
  ended.push(model);
  return model;
}
beforeEach(() => void vi.stubGlobal('navigator', { ...navigator, locks: fakeLocks() }));
afterEach(() => {
  ended.splice(0).forEach(one => one.dispose());
  vi.unstubAllGlobals();
});

describe('the list of keys', () => {
  const LIST = 'artifacts/latest/filter';

  it('is read again where changes were missed while it was on its way', async () => {
    const late = new Late({ status: {} });
    const model = open(new ArtifactsModel(late.client));
    await late.greet(2);
    await vi.waitFor(() => expect(late.client.changes.online).toBe(true));
    await late.answer(LIST, [made(1, 'a')]);
    await late.answer(LIST, [made(2, 'b'), made(1, 'a')]);
    await vi.waitFor(() => expect(model.state).toBe('ready'));
    expect(model.latest.map(({ key }) => key)).toEqual(['b', 'a']);
  });

  it('names a key once although a new one pushed it to the next page', async () => {
    const late = new Late({ status: {} });
    const model = open(new ArtifactsModel(late.client));
    const first = Array.from({ length: 200 }, (_, n) => record({ id: id(n + 9), key: `k${n}` }));
    await late.answer(LIST, first);
    await late.answer(LIST, [first[199], made(1, 'last')]);
    await vi.waitFor(() => expect(model.state).toBe('ready'));
    expect(model.latest).toHaveLength(201);
  });

  it('is read again where a deletion drew a key to a page that was read', async () => {
    const late = new Late({ status: {} });
    const model = open(new ArtifactsModel(late.client));
    await late.greet(1);
    await vi.waitFor(() => expect(late.client.changes.online).toBe(true));
    const keys = Array.from({ length: 201 }, (_, n) => record({ id: id(n + 9), key: `k${n}` }));
    await late.answer(LIST, keys.slice(0, 200));
    await late.answer(LIST, keys.slice(0, 200)); // for the greeting
    const lists = (): string[] => late.asked.filter(path => path.endsWith(LIST));
    await vi.waitFor(() => expect(lists()).toHaveLength(3));
    const deleted = { id: id(9), key: 'k0', version: 1, deleted: '' };
    late.events.change({ seq: 2, kind: 'deleted', deleted });
    await vi.waitFor(() => expect(model.latest).toHaveLength(199));
    await late.answer(LIST, []); // the second page, now empty
    await late.answer(LIST, [], 0); // the newest of the deleted key
    await late.answer(LIST, keys.slice(1, 201));
    await late.answer(LIST, []);
    await vi.waitFor(() => expect(model.state).toBe('ready'));
    expect(model.latest.map(({ key }) => key)).toContain('k200');
  });
});

describe('the page of a key', () => {
  const VERSIONS = 'artifacts/filter';

  it('keeps a version that came while its versions were on their way', async () => {
    const late = new Late();
    const model = open(new PageModel(late.client, { key: 'a' }));
    await late.greet(1);
    await vi.waitFor(() => expect(late.client.changes.online).toBe(true));
    late.events.changed(made(2, 'a'));
    await vi.waitFor(() => expect(model.record?.version).toBe(2));
    await late.answer(VERSIONS, [made(1, 'a')], 1);
    await vi.waitFor(() => expect(model.versions).toHaveLength(2));
    expect(model.record?.version).toBe(2);
    await late.answer(VERSIONS, [made(1, 'a')]);
    await new Promise(resolve => setTimeout(resolve));
    expect(model.versions).toHaveLength(2);
  });

  it('shows the version that was chosen last', async () => {
    const late = new Late();
    const model = open(new PageModel(late.client, { key: 'a' }));
    await late.answer(VERSIONS, [made(2, 'a'), made(1, 'a')]);
    await vi.waitFor(() => expect(model.record?.version).toBe(2));
    const again = model.load();
    model.show(id(1));
    await late.answer(VERSIONS, [made(2, 'a'), made(1, 'a')]);
    await again;
    expect(model.record?.version).toBe(1);
  });
});

it('a run keeps what was made while its artifacts were on their way', async () => {
  const run = { id: id(9), kind: 'session', session_id: id(9), parent_id: null, provenance: {} };
  const late = new Late({ [`runs/${id(9)}`]: run, 'runs/filter': [run] });
  const one = made(1, 'a', { flow_run_id: id(9) });
  const model = open(new RunModel(late.client, one));
  await late.greet(1);
  await late.answer('artifacts/filter', [one], 1);
  await vi.waitFor(() => expect(model.state).toBe('ready'));
  late.events.changed(made(2, 'b', { flow_run_id: id(9) }));
  await vi.waitFor(() => expect(model.made[0]?.records).toHaveLength(2));
  await late.answer('artifacts/filter', [one]);
  await new Promise(resolve => setTimeout(resolve));
  expect(model.made.map(({ run: { id: of } }: { run: Run }) => of)).toEqual([id(9)]);
  expect(model.made[0]?.records).toHaveLength(2);
});

it('a bar that ended while the running ones were on their way runs no more', async () => {
  const late = new Late();
  const model = open(new RunningModel(late.client));
  const bar = made(1, 'bar', { type: 'progress', data: 43, info: { state: 'running' } });
  await late.greet(1);
  await vi.waitFor(() => expect(late.asked.join()).toContain('filter'));
  late.events.changed({ ...bar, seq: 2, info: { state: 'finished' } });
  late.events.changed({ ...bar, id: id(3), seq: 3 });
  await vi.waitFor(() => expect(model.items).toHaveLength(1));
  await late.answer('artifacts/filter', [bar]);
  await late.answer('artifacts/filter', []);
  await new Promise(resolve => setTimeout(resolve));
  expect(model.items.map(one => one.id)).toEqual([id(3)]);
});
