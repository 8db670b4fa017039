/** The stand-alone server's page: the list of keys, and one artifact with its versions, live. */

import { marked } from 'marked';
import { sharedClient } from '../client';
import { ago, plain, summary, typeWord } from '../format';
import { iconOf } from '../icons';
import { ArtifactsModel } from '../model';
import { openSource } from '../source';
import { mountCard } from '../views';
import { button, h, notice, reason } from '../views/dom';
import { Compare } from './compare';
import { drawRuns } from '../views/runs';
import type { WireRecord } from '../wire';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TOOLS = {
  markdownParser: {
    render: async (text: string): Promise<string> => marked.parse(text, { async: true })
  }
};

const client = sharedClient();
const model = new ArtifactsModel(client);
const list = h('ul', 'nba-list', { 'aria-label': 'Keys' });
const search = h('input', 'nba-search', {
  type: 'search',
  placeholder: 'Search keys and descriptions',
  'aria-label': 'Search keys and descriptions'
});
const state = h('p', 'nba-state', { role: 'status' });
const detail = h('main', 'nba-detail');
let shown: AbortController | null = null;
let current: string | null = null;

function head(): HTMLElement {
  const out = h('form', 'nba-out', { method: 'post', action: '/logout' });
  out.append(h('button', 'jp-nba-button', { type: 'submit' }, 'Log out'));
  return h('header', 'nba-top', {}, h('a', 'nba-home', { href: '#' }, 'Artifacts'), out);
}

function entry(record: WireRecord): HTMLElement {
  const icon = iconOf(record.type).element({ className: 'nba-icon', tag: 'span' });
  icon.setAttribute('aria-hidden', 'true');
  const words = [typeWord(record.type), summary(record)].filter(
    (word, place, all) => word && all.indexOf(word) === place
  );
  const link = h(
    'a',
    'nba-entry',
    { href: `#${record.id}`, 'aria-current': record.id === current ? 'page' : null },
    icon,
    h('span', 'nba-key', {}, record.key ?? record.id),
    h('span', 'nba-version', {}, record.version ? `v${record.version}` : ''),
    h('span', 'nba-words', {}, words.join(' · ')),
    h('time', 'nba-when', { datetime: record.updated }, ago(record.updated))
  );
  if (record.description) {
    link.title = plain(record.description);
  }
  return h('li', '', {}, link);
}

const MOST = 500;

function drawList(): void {
  const records = model.visible();
  list.replaceChildren(...records.slice(0, MOST).map(entry));
  const more = records.length > MOST ? `${records.length - MOST} more: search for them.` : '';
  const empty = model.text ? 'Nothing matches.' : 'Nothing is kept here yet.';
  state.textContent =
    model.state === 'loading'
      ? 'Loading …'
      : model.state === 'offline'
        ? 'The server does not answer; this is what it last said.'
        : (model.error ?? (records.length === 0 ? empty : more));
}

/** The key's versions as links; `found` hears of them, newest first, now and when they change. */
async function versions(
  record: WireRecord,
  found: (versions: WireRecord[]) => void,
  signal: AbortSignal
): Promise<HTMLElement> {
  const host = h('nav', 'nba-versions', { 'aria-label': 'Versions' });
  const draw = async (): Promise<void> => {
    const all = await client.filter({
      artifacts: { key: { any_: [record.key ?? ''] } },
      sort: 'VERSION_DESC',
      limit: 100
    });
    found(all);
    host.replaceChildren(
      ...all.map(one =>
        h(
          'a',
          '',
          {
            href: `#${one.id}`,
            'aria-current': one.id === record.id ? 'page' : null,
            title: one.created
          },
          `v${one.version ?? '?'}`,
          h('small', '', {}, ago(one.created))
        )
      )
    );
  };
  if (record.key !== null) {
    await draw();
    client.changes.subscribe(
      {
        change: change => {
          const key = change.record?.key ?? change.deleted?.key;
          if (key === record.key && change.record?.id !== record.id) {
            void draw();
          }
        }
      },
      signal
    );
  }
  return host;
}

async function show(): Promise<void> {
  shown?.abort();
  const controller = new AbortController();
  shown = controller;
  const id = location.hash.slice(1);
  current = UUID.test(id) ? id : null;
  document.body.classList.toggle('nba-one', current !== null);
  drawList();
  if (current === null) {
    detail.replaceChildren(h('p', 'nba-hint', {}, 'Choose an artifact.'));
    document.title = 'Artifacts';
    return;
  }
  try {
    const source = await openSource(client, current, TOOLS, controller.signal);
    const card = h('div', 'nba-card');
    const back = button(
      '← All artifacts',
      'Back to the list',
      () => (location.hash = ''),
      'nba-back'
    );
    const past = h('section', 'jp-nba-runs', { 'aria-label': 'Runs', hidden: true });
    let all: WireRecord[] = [];
    const compare = new Compare(client, source.record, controller.signal);
    const draw = (): void => {
      drawRuns(past, all, source.record);
      compare.draw(all);
    };
    const line = await versions(
      source.record,
      found => {
        all = found;
        draw();
      },
      controller.signal
    );
    if (controller.signal.aborted) {
      return;
    }
    draw();
    source.subscribe(draw, controller.signal);
    detail.replaceChildren(back, line, compare.line, compare.element, card, past);
    document.title = `${source.record.key ?? 'Artifact'} · Artifacts`;
    await mountCard(card, source, controller.signal, { page: true });
  } catch (error) {
    if (!controller.signal.aborted) {
      detail.replaceChildren(notice(reason(error)));
    }
  }
}

search.addEventListener('input', () => (model.text = search.value));
model.changed.connect(drawList);
addEventListener('hashchange', () => void show());
document
  .getElementById('page')
  ?.append(
    head(),
    h('div', 'nba-columns', {}, h('aside', 'nba-side', {}, search, state, list), detail)
  );
void show();
