/** One artifact on the stand-alone page: its versions, what changed, the card, earlier runs. */

import type { Client } from '../client';
import { ago, exactly } from '../format';
import { openSource } from '../source';
import type { Tools } from '../source';
import { mountCard } from '../views';
import { button, h, notice, reason } from '../views/dom';
import { drawRuns } from '../views/runs';
import type { WireRecord } from '../wire';
import { Compare } from './compare';

/** The way back to the list, where there is no room for both. */
function back(): HTMLElement {
  const toList = (): void => void (location.hash = '');
  return button('← All artifacts', 'Back to the list', toList, 'nba-back');
}

/** Show the artifact `id` in `host` until `signal` aborts; `named` hears what it is called. */
export async function showOne(
  host: HTMLElement,
  client: Client,
  id: string,
  tools: Tools,
  signal: AbortSignal,
  named: (name: string) => void
): Promise<void> {
  try {
    const source = await openSource(client, id, tools, signal);
    if (signal.aborted) {
      return;
    }
    const { record } = source;
    named(record.key ?? 'Artifact');
    const past = h('section', 'jp-nba-runs', { 'aria-label': 'Runs', hidden: true });
    const compare = new Compare(client, record, signal);
    let all: WireRecord[] = [];
    const draw = (): void => drawRuns(past, all, source.record);
    const line = versions(client, record, signal, found => {
      all = found;
      compare.draw(all);
      draw();
    });
    const card = h('div', 'nba-card');
    source.subscribe(draw, signal);
    host.replaceChildren(back(), line, compare.line, compare.element, card, past);
    draw();
    await mountCard(card, source, signal, { page: true });
  } catch (error) {
    if (!signal.aborted) {
      host.replaceChildren(back(), notice(reason(error)));
      again(client, signal, () => void showOne(host, client, id, tools, signal, named));
    }
  }
}

/** Call `retry` once, when the server is back. */
function again(client: Client, signal: AbortSignal, retry: () => void): void {
  const once = new AbortController();
  signal.addEventListener('abort', () => once.abort(), { once: true, signal: once.signal });
  const now = (): void => {
    once.abort();
    retry();
  };
  client.changes.subscribe({ reset: now, online: online => online && now() }, once.signal);
}

/** The key's versions as links; `found` hears of them, newest first, once they are there and when they change. */
function versions(
  client: Client,
  record: WireRecord,
  signal: AbortSignal,
  found: (versions: WireRecord[]) => void
): HTMLElement {
  const host = h('nav', 'nba-versions', { 'aria-label': 'Versions' });
  if (record.key === null) {
    return host;
  }
  let turn = 0;
  const draw = async (): Promise<void> => {
    const mine = (turn += 1);
    const all = await client.filter({
      artifacts: { key: { any_: [record.key ?? ''] } },
      sort: 'VERSION_DESC',
      limit: 100
    });
    if (mine === turn && !signal.aborted) {
      const focused = host.querySelector(':focus')?.getAttribute('href');
      host.replaceChildren(...all.map(one => link(one, one.id === record.id)));
      host.querySelector<HTMLElement>(`[href="${focused}"]`)?.focus();
      found(all);
    }
  };
  const look = (): void => void draw().catch(() => undefined); // the list says when the server is away
  client.changes.subscribe(
    {
      change: ({ record: changed, deleted }) => {
        if ((changed?.key ?? deleted?.key) === record.key && changed?.id !== record.id) {
          look();
        }
      },
      reset: look
    },
    signal
  );
  look();
  return host;
}

function link(one: WireRecord, current: boolean): HTMLElement {
  const attributes = {
    href: `#${one.id}`,
    'aria-current': current ? 'page' : null,
    title: exactly(one.created)
  };
  const time = h('time', '', { datetime: one.created }, ago(one.created));
  return h('a', '', attributes, `v${one.version ?? '?'}`, ' ', h('small', '', {}, time));
}
