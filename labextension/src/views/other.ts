/** Any type without a view of its own: its JSON as text. */

import { print } from '../json';
import { followed, h } from './dom';
import type { Source } from './types';

const MOST = 100_000;

export async function mountOther(
  element: HTMLElement,
  source: Source,
  signal: AbortSignal
): Promise<void> {
  const show = (data: unknown): void => {
    const text = typeof data === 'string' ? data : print(data);
    const shown = text.length > MOST ? `${text.slice(0, MOST)}…` : text;
    element.replaceChildren(h('pre', 'jp-nba-plain', { dir: 'auto', tabindex: 0 }, shown));
  };
  await followed(source, () => source.data(), show, signal);
}
