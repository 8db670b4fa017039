/** The stand-alone server's page: the list of keys, and one artifact with its versions, live. */

import { marked } from 'marked';
import { isId, sharedClient } from '../client';
import { ArtifactsModel } from '../model';
import { button, h } from '../views/dom';
import { List } from './list';
import { showOne } from './one';

const TOOLS = {
  markdownParser: {
    render: async (text: string): Promise<string> => marked.parse(text, { async: true })
  }
};

/** How often "2 min" is written anew. */
const CLOCK = 30_000;

const client = sharedClient(undefined, 'The server');
const model = new ArtifactsModel(client);
const list = new List(model);
const detail = h('main', 'nba-detail', { tabindex: -1, 'aria-label': 'Artifact' });
let shown: AbortController | null = null;
let current: string | null = null;
/** How far the page was scrolled while it showed the list alone. */
let listAt = 0;

function head(): HTMLElement {
  const out = h('form', 'nba-out', { method: 'post', action: '/logout' });
  out.append(h('button', 'jp-nba-button', { type: 'submit' }, 'Log out'));
  const name = h('h1', 'nba-title', {}, h('a', 'nba-home', { href: '#' }, 'Artifacts'));
  return h('header', 'nba-top', {}, name, out);
}

function skip(): HTMLElement {
  return button('Skip the list', 'Go to the artifact', () => detail.focus(), 'nba-skip');
}

/** Whether there is room for the list or for one artifact only. */
function isNarrow(): boolean {
  return matchMedia('(width <= 720px)').matches;
}

/** Go from the list to an artifact or back: on a phone the one takes the other's place. */
function turn(before: string | null): void {
  document.body.classList.toggle('nba-one', current !== null);
  list.draw(current);
  if (current === null && before !== null && isNarrow()) {
    scrollTo(0, listAt);
    list.linkTo(before)?.focus({ preventScroll: true });
  } else if (current !== null && isNarrow()) {
    scrollTo(0, 0);
    detail.focus({ preventScroll: true });
  }
  detail.scrollTop = 0;
}

async function show(): Promise<void> {
  shown?.abort();
  const controller = new AbortController();
  shown = controller;
  const before = current;
  const id = location.hash.slice(1);
  current = isId(id) ? id.toLowerCase() : null;
  turn(before);
  document.title = 'Artifacts';
  if (current === null) {
    detail.replaceChildren(h('p', 'nba-hint', {}, 'Choose an artifact.'));
    return;
  }
  const named = (name: string): void => void (document.title = `${name} · Artifacts`);
  await showOne(detail, client, current, TOOLS, controller.signal, named);
}

const draw = (): void => list.draw(current);
model.changed.connect(draw);
setInterval(draw, CLOCK);
addEventListener('hashchange', () => void show());
addEventListener('scroll', () => (listAt = current === null ? scrollY : listAt), { passive: true });
const side = h('nav', 'nba-side', { 'aria-label': 'Keys' });
side.append(list.search, skip(), list.state, list.element);
document.getElementById('page')?.append(head(), h('div', 'nba-columns', {}, side, detail));
void show();
