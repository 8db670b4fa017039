/** The parts of the stand-alone server's page. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ArtifactsModel } from '../src/model';
import { List } from '../src/page/list';
import { showOne } from '../src/page/one';
import type { WireRecord } from '../src/wire';
import { record } from './records';
import { clientOf, Events, fakeLocks, json, leavingServer } from './server';

const id = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const made = (n: number, key: string, more: Partial<WireRecord> = {}): WireRecord =>
  record({ id: id(n), key, seq: n, created: `2026-01-01T00:00:0${n}Z`, ...more });

let stop: AbortController;
beforeEach(() => {
  stop = new AbortController();
  vi.stubGlobal('navigator', { ...navigator, locks: fakeLocks() });
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  stop.abort();
  vi.unstubAllGlobals();
});

describe('the list', () => {
  it('keeps its entries, and the keyboard on them, while artifacts change and come', async () => {
    const events = new Events();
    const bar = made(1, 'bar', { type: 'progress', data: 1, info: { state: 'running' } });
    const { client, asked } = clientOf((path, _body, signal) =>
      path === 'events' ? events.response(signal) : json(path === 'status' ? {} : [bar])
    );
    const model = new ArtifactsModel(client);
    stop.signal.addEventListener('abort', () => model.dispose());
    const list = new List(model);
    model.changed.connect(() => list.draw(null));
    document.body.replaceChildren(list.element);
    await vi.waitFor(() => expect(model.state).toBe('ready'));
    await vi.waitFor(() => expect(asked).toContain('GET events'));
    events.hello(1);
    const link = list.linkTo(id(1)) as HTMLElement;
    link.focus();
    events.changed({ ...bar, seq: 2, data: 43 });
    events.changed(made(3, 'newer'));
    await vi.waitFor(() => expect(list.element.children).toHaveLength(2));
    expect(list.linkTo(id(1))).toBe(link);
    expect(link.textContent).toContain('43 %');
    expect(document.activeElement).toBe(link);
    expect([...list.element.querySelectorAll('.nba-key')].map(key => key.textContent)).toEqual([
      'newer',
      'bar'
    ]);
    model.text = 'newer';
    expect(list.element.children).toHaveLength(1);
  });
});

describe('one artifact', () => {
  it('has a way back where it cannot be shown, and shows once the server answers', async () => {
    const kept = made(1, 'a', { type: 'link', data: 'https://a.b' });
    const { client, streams, away } = leavingServer(path =>
      path === 'artifacts/filter' ? [kept] : kept
    );
    client.changes.subscribe({}, stop.signal);
    await vi.waitFor(() => expect(streams).toHaveLength(1));
    streams[0]?.hello(1);
    await vi.waitFor(() => expect(client.changes.online).toBe(true));
    away.now = true;
    streams[0]?.end();
    await vi.waitFor(() => expect(client.changes.online).toBe(false), 5000);

    const host = document.createElement('main');
    const named = vi.fn();
    await showOne(host, client, id(1), { markdownParser: null }, stop.signal, named);
    expect(host.textContent).toContain('does not answer');
    expect(host.querySelector('.nba-back')).not.toBeNull();

    away.now = false;
    await vi.waitFor(() => expect(streams).toHaveLength(2), 5000);
    streams[1]?.hello(1);
    await vi.waitFor(() => expect(host.querySelector('.jp-nba-card')).not.toBeNull());
    await vi.waitFor(() => expect(host.querySelectorAll('.nba-versions a')).toHaveLength(1));
    expect(named).toHaveBeenCalledWith('a');
  });
});
