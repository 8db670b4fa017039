/** What changed from one artifact to another: in a sentence, and then in whatever shows it best. */

import { GUESS } from '../../diff';
import type { Diff, DiffAsk, Side, TableDiff } from '../../diff';
import { button, h, notice, reason } from '../dom';
import { imageDiff } from './image';
import { matching } from './matching';
import { numberDiff } from './number';
import { tableDiff } from './table';
import { textDiff } from './text';

/** Where a comparison comes from. */
export interface Comparison {
  /** How tables are compared at first; without it by a guess. */
  ask?: DiffAsk;
  /** Examples from `offset` on. */
  load(ask: DiffAsk, offset: number, signal: AbortSignal): Promise<Diff>;
  blob(id: string): Promise<Blob>;
  /** A person chose how tables are compared. */
  chosen?(ask: DiffAsk): void;
}

/** Show a comparison in an element until a signal aborts. Resolves with the first that is shown. */
export async function mountDiff(
  element: HTMLElement,
  comparison: Comparison,
  signal: AbortSignal
): Promise<void> {
  element.replaceChildren(
    h('div', 'jp-nba-skeleton jp-nba-undrawn', {
      role: 'status',
      'aria-busy': 'true',
      'aria-label': 'Comparing'
    })
  );
  const shown = new Shown(element, comparison, signal);
  await shown.load(comparison.ask ?? GUESS);
}

/** What stands in the element, and how it was asked for. */
class Shown {
  private asked = new AbortController();
  /** What the last comparison of tables said: its menu stays where another choice cannot be compared. */
  private table: TableDiff | null = null;

  constructor(
    private readonly element: HTMLElement,
    private readonly comparison: Comparison,
    private readonly signal: AbortSignal
  ) {
    signal.addEventListener('abort', () => this.asked.abort(), { once: true });
  }

  async load(ask: DiffAsk): Promise<void> {
    this.asked.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    this.element.firstElementChild?.setAttribute('aria-busy', 'true');
    let next: HTMLElement;
    try {
      const diff = await this.comparison.load(ask, 0, signal);
      this.table = diff.table ?? null;
      next = this.drawn(diff, ask, signal);
    } catch (error) {
      next = this.failed(error, ask, signal);
    }
    if (!signal.aborted && !this.signal.aborted) {
      const focused = this.element.contains(document.activeElement);
      this.element.replaceChildren(next);
      if (focused) {
        next.querySelector<HTMLElement>('.jp-nba-diff-keys')?.focus({ preventScroll: true });
      }
    }
  }

  private choose(ask: DiffAsk): void {
    this.comparison.chosen?.(ask);
    void this.load(ask);
  }

  private matching(table: TableDiff, ask: DiffAsk, signal: AbortSignal): HTMLElement {
    return matching(table, ask, next => this.choose(next), signal);
  }

  private failed(error: unknown, ask: DiffAsk, signal: AbortSignal): HTMLElement {
    const again = button('Try again', 'Compare again', () => void this.load(ask));
    const guess = button('Guess the columns', 'Look for columns that name the rows', () =>
      this.choose({ ...ask, keys: null })
    );
    const words = `These could not be compared. ${reason(error)} `;
    return h(
      'div',
      'jp-nba-diff',
      {},
      this.table && this.matching(this.table, ask, signal),
      notice(words, again, ask.keys !== null && guess)
    );
  }

  private drawn(diff: Diff, ask: DiffAsk, signal: AbortSignal): HTMLElement {
    const { comparison } = this;
    const parts: Node[] = [head(diff)];
    if (diff.same) {
      parts.push(notice('Nothing changed: both hold the same.'));
    }
    if (diff.note) {
      parts.push(notice(diff.note));
    }
    if (diff.table && (!diff.same || diff.table.schema.length > 0)) {
      const line = this.matching(diff.table, ask, signal);
      parts.push(...tableDiff(diff.table, line, offset => comparison.load(ask, offset, signal)));
    } else if (diff.table && ask !== GUESS) {
      parts.push(this.matching(diff.table, ask, signal));
    }
    if (diff.text && !diff.same) {
      parts.push(...textDiff(diff.text));
    }
    if (diff.image) {
      parts.push(...imageDiff(diff, diff.image, comparison, signal));
    }
    if (diff.number) {
      parts.push(...numberDiff(diff.number));
    }
    return h('div', 'jp-nba-diff', {}, ...parts);
  }
}

function head({ from, to }: Diff): HTMLElement {
  return h(
    'p',
    'jp-nba-diff-head',
    {},
    h('b', '', {}, sideWords(from, to)),
    ' → ',
    h('b', '', {}, sideWords(to, from))
  );
}

/** "v3", or with its key where the keys differ. */
function sideWords(side: Side, other: Side): string {
  const version = side.version === null ? 'pending' : `v${side.version}`;
  return side.key === null ? side.id : side.key === other.key ? version : `${side.key} ${version}`;
}
