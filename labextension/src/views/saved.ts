/** What an output shows while its artifact is not at hand: a skeleton while it loads, the saved copy otherwise. */

import { typeWord } from '../format';
import type { Reference } from '../wire';
import { provisional } from '../reference';
import { headOf } from './card';
import { h } from './dom';
import { PICTURES } from './grid/looks';

/** A card of about the final size, from what the reference knows. */
export function skeleton(reference: Reference, width: number): HTMLElement {
  const body = h('div', 'jp-nba-body jp-nba-skeleton', { 'aria-hidden': 'true' });
  body.style.blockSize = `${heightOf(reference, width)}px`;
  return h(
    'article',
    'jp-nba-card jp-mod-loading',
    {
      'aria-busy': 'true',
      'aria-label': `${typeWord(reference.type)} ${reference.key ?? ''}`.trim()
    },
    h('header', 'jp-nba-head', {}, ...headOf(provisional(reference))),
    body,
    h('footer', 'jp-nba-foot', {}, ' ')
  );
}

const LINE = 20;
const GRID = { head: 43, pictures: 22, row: 24, most: 456, tools: 29 };

function heightOf(reference: Reference, width: number): number {
  const lines = (reference.preview ?? '').split('\n').length;
  const pixels = /([\d,]+) × ([\d,]+)/.exec(reference.title ?? '');
  switch (reference.type) {
    case 'progress':
      return 46;
    case 'link':
      return 40;
    case 'image': {
      const [w, h] = pixels ? pixels.slice(1).map(n => Number(n.replaceAll(',', ''))) : [800, 400];
      return w && h ? Math.min(h, (h / w) * Math.max(200, width), 2000) + 50 : 250;
    }
    case 'table': {
      const rows = Number(
        /^([\d,]+) rows?/.exec(reference.title ?? '')?.[1]?.replaceAll(',', '') ?? 10
      );
      const head = GRID.head + (rows >= PICTURES ? GRID.pictures : 0);
      return Math.min(head + GRID.row * rows, GRID.most) + GRID.tools;
    }
    default:
      return Math.min(20, Math.max(2, lines)) * LINE;
  }
}

/** The output as saved in the notebook, already made safe, with a quiet line that says why. */
export function savedCopy(content: Node, reference: Reference | null, why: string): HTMLElement {
  return h(
    'div',
    'jp-nba-saved',
    {
      'data-nba-id': reference?.id ?? '',
      'data-nba-key': reference?.key ?? '',
      'data-nba-type': reference?.type ?? ''
    },
    h('div', 'jp-RenderedHTMLCommon jp-nba-content', {}, content),
    h('p', 'jp-nba-notice', {}, why)
  );
}
