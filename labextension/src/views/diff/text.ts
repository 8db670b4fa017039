/** Two texts, line by line. */

import type { TextDiff } from '../../diff';
import { plural } from '../../format';
import { h, notice } from '../dom';

const WORDS = { '+': 'added', '-': 'removed', '=': '', '…': '' } as const;
const SIGNS = { '+': '+', '-': '−', '=': ' ', '…': '' } as const;

export function textDiff(diff: TextDiff): Node[] {
  const lines = diff.lines.map(([sign, text]) =>
    sign === '…'
      ? h(
          'div',
          'jp-nba-diff-gap',
          {},
          /^\d+$/.test(text) ? `${plural(Number(text), 'line')} the same` : text
        )
      : h(
          'div',
          'jp-nba-diff-line jp-nba-change',
          { 'data-change': WORDS[sign] || null },
          h('span', 'jp-nba-sign', { 'aria-label': WORDS[sign] || null }, SIGNS[sign]),
          h(sign === '+' ? 'ins' : sign === '-' ? 'del' : 'span', '', { dir: 'auto' }, text || ' ')
        )
  );
  return [
    h(
      'p',
      'jp-nba-diff-counts',
      {},
      h(
        'span',
        'jp-nba-change',
        { 'data-change': 'added' },
        `+ ${plural(diff.added, 'line')} added`
      ),
      h(
        'span',
        'jp-nba-change',
        { 'data-change': 'removed' },
        `− ${plural(diff.removed, 'line')} removed`
      )
    ),
    h('div', 'jp-nba-diff-text', { tabindex: 0, 'aria-label': 'Lines that changed' }, ...lines),
    ...(diff.whole ? [] : [notice('These texts are long: not every line is compared or shown.')])
  ];
}
