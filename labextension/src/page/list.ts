/** The list of keys, each an entry that stays the same element while its artifact changes: it keeps focus and pointer. */

import { ago, count, plain, summary, typeWord } from '../format';
import { iconOf } from '../icons';
import type { ArtifactsModel } from '../model';
import { h } from '../views/dom';
import type { WireRecord } from '../wire';

const MOST = 500;

interface Entry {
  item: HTMLElement;
  link: HTMLElement;
  /** What stands in it. */
  drawn: string;
}

/** Search, how it stands, and the entries. `draw` brings them up to date. */
export class List {
  readonly search = h('input', 'nba-search', {
    type: 'search',
    placeholder: 'Search keys and descriptions',
    'aria-label': 'Search keys and descriptions'
  });
  readonly state = h('p', 'nba-state', { role: 'status' });
  readonly element = h('ul', 'nba-list', { 'aria-label': 'Keys' });

  private readonly entries = new Map<string, Entry>();

  constructor(private readonly model: ArtifactsModel) {
    this.search.addEventListener('input', () => (model.text = this.search.value));
  }

  /** The entries, where `current` is the artifact that is shown. */
  draw(current: string | null): void {
    const records = this.model.visible();
    const shown = records.slice(0, MOST);
    const names = new Set(shown.map(nameOf));
    for (const [name, { item }] of this.entries) {
      if (!names.has(name)) {
        item.remove();
        this.entries.delete(name);
      }
    }
    shown.forEach((record, place) => {
      const { item } = this.entry(record, record.id === current);
      if (this.element.children[place] !== item) {
        this.element.insertBefore(item, this.element.children[place] ?? null);
      }
    });
    const words = this.words(records.length);
    if (this.state.textContent !== words) {
      this.state.textContent = words;
    }
  }

  /** The link to an artifact, where the list has it. */
  linkTo(id: string): HTMLElement | null {
    return this.element.querySelector<HTMLElement>(`a[href="#${id}"]`);
  }

  private entry(record: WireRecord, current: boolean): Entry {
    const name = nameOf(record);
    const entry = this.entries.get(name) ?? made();
    this.entries.set(name, entry);
    const drawn = `${record.seq} ${record.id} ${current} ${summary(record)} ${ago(record.updated)}`;
    if (entry.drawn !== drawn) {
      entry.drawn = drawn;
      fillEntry(entry.link, record, current);
    }
    return entry;
  }

  private words(found: number): string {
    const { model } = this;
    if (model.state === 'loading') {
      return 'Loading …';
    }
    if (model.state === 'offline') {
      const last = model.latest.length > 0 ? ' This is what it last said.' : '';
      return `The server does not answer.${last}`;
    }
    if (model.error !== null) {
      return model.error;
    }
    if (found === 0) {
      return model.text ? 'Nothing matches.' : 'Nothing is kept here yet.';
    }
    return found > MOST ? `${count(found - MOST)} more: search for them.` : '';
  }
}

function nameOf(record: WireRecord): string {
  return record.key ?? record.id;
}

function made(): Entry {
  const link = h('a', 'nba-entry');
  return { item: h('li', '', {}, link), link, drawn: '' };
}

function fillEntry(link: HTMLElement, record: WireRecord, current: boolean): void {
  const icon = iconOf(record.type).element({ className: 'nba-icon', tag: 'span' });
  icon.setAttribute('aria-hidden', 'true');
  const words = [typeWord(record.type), summary(record)].filter(
    (word, place, all) => word && all.indexOf(word) === place
  );
  link.setAttribute('href', `#${record.id}`);
  link.title = record.description ? plain(record.description) : '';
  if (current) {
    link.setAttribute('aria-current', 'page');
  } else {
    link.removeAttribute('aria-current');
  }
  link.replaceChildren(
    icon,
    h('span', 'nba-key', {}, record.key ?? record.id),
    h('span', 'nba-version', {}, record.version ? `v${record.version}` : ''),
    h('span', 'nba-words', {}, words.join(' · ')),
    h('time', 'nba-when', { datetime: record.updated }, ago(record.updated))
  );
}
