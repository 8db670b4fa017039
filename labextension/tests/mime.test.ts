import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Client } from '../src/client';
import extension from '../src/mime';
import { MIME } from '../src/wire';
import { record } from './records';
import { clientOf, Events, fakeLocks, json } from './server';

let client: Client;

vi.mock('../src/client', async original => ({
  ...(await original<typeof import('../src/client')>()),
  sharedClient: () => client
}));

const KEPT = record({ type: 'link', info: { url: 'https://a.b/', text: 'Live' } });
const SAVED = '<p><a href="https://a.b/">Saved</a></p>';

/** The server: whether it is there, how it answers for the artifact, and its feed. */
let away: boolean;
let answer: () => Response | Promise<Response>;
let events: Events[];

beforeEach(() => {
  vi.stubGlobal('navigator', { ...navigator, locks: fakeLocks() });
  vi.spyOn(Math, 'random').mockReturnValue(0);
  away = false;
  events = [];
  answer = () => json(KEPT);
  ({ client } = clientOf((path, _body, signal) => {
    if (away) {
      throw new TypeError('network');
    }
    if (path === 'events') {
      const stream = new Events();
      events.push(stream);
      return stream.response(signal);
    }
    return answer();
  }));
});

const opened: (IRenderMime.IRenderer & { dispose(): void })[] = [];
afterEach(() => {
  opened.splice(0).forEach(output => output.dispose());
  vi.unstubAllGlobals();
});

/** An output in the page, whose first thing is shown. */
async function output(): Promise<HTMLElement> {
  const renderer = extension.rendererFactory.createRenderer({} as IRenderMime.IRendererOptions);
  opened.push(renderer);
  document.body.replaceChildren(renderer.node);
  const data = { [MIME]: { id: KEPT.id, store: 's1', type: 'link' }, 'text/html': SAVED };
  await renderer.renderModel({ data } as unknown as IRenderMime.IMimeModel);
  return renderer.node;
}

describe('an output whose store does not answer', () => {
  it('shows the saved copy and then, in its place, the live view; the keyboard stays there', async () => {
    let release = (): void => undefined;
    answer = () => new Promise(resolve => (release = () => resolve(json(KEPT))));
    const node = await output();
    node.querySelector('a')?.focus();
    expect(document.activeElement?.textContent).toBe('Saved');
    release();
    await vi.waitFor(() => expect(node.querySelector('.jp-nba-card')).not.toBeNull());
    expect(node.contains(document.activeElement)).toBe(true);
  });

  it('is live again when it answers, although the feed missed nothing', async () => {
    client.changes.subscribe({}, new AbortController().signal);
    await vi.waitFor(() => expect(events).toHaveLength(1));
    events[0]?.hello(5);
    await vi.waitFor(() => expect(client.changes.online).toBe(true));
    away = true;
    events[0]?.end();
    await vi.waitFor(() => expect(client.changes.online).toBe(false), 5000);
    const node = await output();
    expect(node.textContent).toContain('does not answer');
    away = false;
    await vi.waitFor(() => expect(events).toHaveLength(2), 5000);
    expect(node.querySelector('.jp-nba-saved')).not.toBeNull();
    events[1]?.hello(5);
    await vi.waitFor(() => expect(node.querySelector('.jp-nba-card')).not.toBeNull());
    expect(node.querySelector('.jp-mod-loading')).toBeNull();
  });

  it('says so where it wants a log-in', async () => {
    answer = () => json({}, 403);
    expect((await output()).textContent).toContain('log in again');
  });
});
