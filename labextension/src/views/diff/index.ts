/** What changed from one artifact to another: in a sentence, and then in whatever shows it best. */

import type { Diff, Side } from '../../diff';
import { button, h, notice, reason } from '../dom';
import { imageDiff } from './image';
import { numberDiff } from './number';
import { tableDiff } from './table';
import { textDiff } from './text';

/** Where a comparison comes from. */
export interface Comparison {
  /** Examples from `offset` on. */
  load(offset: number, signal: AbortSignal): Promise<Diff>;
  blob(id: string): Promise<Blob>;
}

/** Show a comparison in an element until a signal aborts. */
export async function mountDiff(
  element: HTMLElement,
  comparison: Comparison,
  signal: AbortSignal
): Promise<void> {
  element.replaceChildren(
    h('div', 'jp-nba-skeleton jp-nba-undrawn', { 'aria-busy': 'true', 'aria-label': 'Comparing' })
  );
  try {
    const diff = await comparison.load(0, signal);
    if (!signal.aborted) {
      element.replaceChildren(drawn(diff, comparison, signal));
    }
  } catch (error) {
    if (!signal.aborted) {
      const again = button('Try again', 'Compare again', () => {
        void mountDiff(element, comparison, signal);
      });
      element.replaceChildren(notice(`These could not be compared. ${reason(error)} `, again));
    }
  }
}

function drawn(diff: Diff, comparison: Comparison, signal: AbortSignal): HTMLElement {
  const head = h(
    'p',
    'jp-nba-diff-head',
    {},
    h('b', '', {}, sideWords(diff.from, diff.to)),
    ' → ',
    h('b', '', {}, sideWords(diff.to, diff.from))
  );
  const parts: Node[] = [head];
  if (diff.same) {
    parts.push(notice('Nothing changed: both hold the same.'));
  }
  if (diff.note) {
    parts.push(notice(diff.note));
  }
  if (diff.table && (!diff.same || diff.table.schema.length > 0)) {
    parts.push(...tableDiff(diff.table, offset => comparison.load(offset, signal)));
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

/** "v3", or with its key where the keys differ. */
function sideWords(side: Side, other: Side): string {
  const version = side.version === null ? 'pending' : `v${side.version}`;
  return side.key === null ? side.id : side.key === other.key ? version : `${side.key} ${version}`;
}
