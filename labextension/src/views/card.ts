/** The card that every artifact is shown in: a thin head, the type's view, one quiet foot line. */

import { ago, bytes, exactly, plain, standing, summary, title, typeWord } from '../format';
import { iconOf } from '../icons';
import type { Run, WireRecord } from '../wire';
import { button, every, h, notice, reason, toClipboard } from './dom';
import type { Mount, Source } from './types';

export interface CardOptions {
  /** Leave the action "Open" out, as on the artifact's own page. */
  page?: boolean;
}

/** The card with `view` as its body. It follows the source until `signal` aborts. */
export async function drawCard(
  element: HTMLElement,
  source: Source,
  signal: AbortSignal,
  view: Mount,
  options: CardOptions
): Promise<void> {
  const { record } = source;
  const head = h('header', 'jp-nba-head');
  const body = h('div', 'jp-nba-body');
  const foot = h('footer', 'jp-nba-foot');
  const card = h(
    'article',
    'jp-nba-card',
    {
      'aria-label': `${typeWord(record.type)} ${record.key ?? ''}`.trim(),
      'data-nba-id': record.id,
      'data-nba-key': record.key ?? '',
      'data-nba-type': record.type ?? ''
    },
    head,
    body,
    foot
  );
  const actions = actionsOf(source, options);
  const draw = (): void => {
    head.replaceChildren(...headOf(source.record), actions);
    foot.replaceChildren(...footOf(source));
    card.classList.toggle('jp-mod-deleted', source.deleted);
  };
  draw();
  source.subscribe(draw, signal);
  every(60_000, () => foot.replaceChildren(...footOf(source)), signal);
  element.replaceChildren(card);
  try {
    await view(body, source, signal);
  } catch (error) {
    if (!signal.aborted) {
      body.replaceChildren(notice(`This artifact could not be shown. ${reason(error)}`));
    }
  }
}

/** Icon, name, version and description. */
export function headOf(record: WireRecord): Node[] {
  const icon = iconOf(record.type).element({
    tag: 'span',
    className: 'jp-nba-icon',
    title: typeWord(record.type)
  });
  icon.setAttribute('aria-hidden', 'true');
  const nodes: Node[] = [icon, h('span', 'jp-nba-title', { title: title(record) }, title(record))];
  if (record.version !== null) {
    nodes.push(
      h('span', 'jp-nba-version', { title: `Version ${record.version}` }, `v${record.version}`)
    );
  }
  if (record.version === null && record.key !== null && record.seq > 0) {
    const why = 'The shared server has given it no version number yet';
    nodes.push(h('span', 'jp-nba-version', { title: why }, 'pending'));
  }
  if (record.description) {
    const text = plain(record.description, 300);
    nodes.push(h('span', 'jp-nba-description', { title: text, dir: 'auto' }, text));
  }
  return nodes;
}

function actionsOf(source: Source, options: CardOptions): HTMLElement {
  const actions = h('span', 'jp-nba-actions');
  const copy = button('Copy code', 'Copy the line of Python that gets this artifact', () => {
    void toClipboard(codeOf(source.record)).then(
      () => flash(copy, 'Copied'),
      () => flash(copy, 'Not allowed')
    );
  });
  actions.append(copy);
  if (source.open && !options.page) {
    actions.append(button('Open', 'Open the page of this artifact', () => source.open?.()));
  }
  return actions;
}

/** The line of Python that gets an artifact, exactly this version of it. */
export function codeOf(record: WireRecord): string {
  return record.key === null
    ? `nba.Artifact.get(id="${record.id}")`
    : `nba.Artifact.get("${record.key}")`;
}

function flash(element: HTMLButtonElement, text: string): void {
  const before = element.textContent;
  element.textContent = text;
  element.disabled = true;
  setTimeout(() => {
    element.textContent = before;
    element.disabled = false;
  }, 1200);
}

function footOf(source: Source): Node[] {
  const { record } = source;
  const parts: Node[] = [];
  if (source.deleted) {
    parts.push(h('span', 'jp-nba-state', {}, 'Deleted from this store'));
  }
  const facts = summary(record);
  if (record.type === 'image' && facts !== typeWord(record.type)) {
    parts.push(h('span', '', {}, facts));
  }
  const live = standing(record);
  if (live) {
    const { words, broken } = live;
    parts.push(h('span', broken ? 'jp-nba-state' : '', { title: words }, words));
  }
  if (record.blob) {
    parts.push(h('span', '', { title: record.blob.media }, bytes(record.blob.size)));
  }
  parts.push(
    h(
      'time',
      '',
      { datetime: record.created, title: exactly(record.created) },
      when(record.created)
    )
  );
  const from = origin(source.runs);
  if (from) {
    const path = source.runs.find(run => run.provenance.notebook)?.provenance.notebook;
    parts.push(h('span', 'jp-nba-origin', { title: path ?? from }, from));
  }
  return parts;
}

function when(created: string): string {
  const text = ago(created);
  return text === 'now' ? 'just now' : /^\d+ (?:min|h)$/.test(text) ? `${text} ago` : text;
}

/** "cell 12, analysis.ipynb, main@4f2c9e1 (clean)": as much of it as is known. */
export function origin(runs: readonly Run[]): string {
  const provenance = runs.map(run => run.provenance);
  const number = provenance.find(known => known.execution_count)?.execution_count;
  const notebook = provenance.find(known => known.notebook)?.notebook;
  const git = provenance.find(known => known.git)?.git;
  const named = runs.find(run => (run.kind === 'flow' || run.kind === 'task') && run.name);
  const parts = [
    named ? `${named.kind} ${named.name}` : '',
    number ? `cell ${number}` : '',
    notebook?.split(/[\\/]/).pop() ?? '',
    git
      ? `${git.branch ?? 'detached'}@${git.commit.slice(0, 7)}${git.dirty ? ' (changed)' : ''}`
      : ''
  ];
  return parts.filter(Boolean).join(', ');
}
