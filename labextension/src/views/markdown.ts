/** A text in Markdown, sanitised. Text too long or too deep for a parser is shown as it stands, in parts. */

import { bytes } from '../format';
import { print } from '../json';
import { tooMuch } from '../limits';
import { button, fill, followed, h, inSight, notice } from './dom';
import type { Source } from './types';

const PART = 50_000;

export async function mountMarkdown(
  element: HTMLElement,
  source: Source,
  signal: AbortSignal
): Promise<void> {
  let shown: unknown = null;
  const load = async (): Promise<{ data: unknown; parts: Node[] } | null> => {
    const data = await source.data();
    const text = typeof data === 'string' ? data : print(data ?? '');
    return data === shown ? null : { data, parts: await partsOf(text, source) };
  };
  const show = (loaded: { data: unknown; parts: Node[] } | null): void => {
    if (loaded !== null) {
      shown = loaded.data;
      element.replaceChildren(...loaded.parts);
      const content = element.querySelector<HTMLElement>('.jp-nba-content');
      if (content) {
        void inSight(content, signal).then(() => source.typeset(content));
      }
    }
  };
  await followed(source, load, show, signal);
}

async function partsOf(text: string, source: Source): Promise<Node[]> {
  if (!text.trim()) {
    return [notice('This text is empty.')];
  }
  if (tooMuch(text)) {
    return asItStands(text);
  }
  const content = h('div', 'jp-RenderedHTMLCommon jp-nba-content');
  fill(content, await source.markdown(text));
  return [content];
}

/** The source in parts: a browser lays out a few thousand lines at once, not millions. */
export function asItStands(text: string): Node[] {
  const pre = h('pre', 'jp-nba-plain', { dir: 'auto', tabindex: 0 });
  const size = bytes(new Blob([text]).size);
  const words = notice(`Shown as plain text: ${size} of Markdown is more than is rendered.`);
  let end = 0;
  const more = button('Show more', 'Show the next part of the text', () => {
    pre.append(text.slice(end, end + PART));
    end += PART;
    more.hidden = end >= text.length;
  });
  more.click();
  return [words, pre, more];
}
