/** A text in Markdown, sanitised. Text too long or too deep for a parser is shown as it stands, in parts. */

import { bytes } from '../format';
import { print } from '../json';
import { tooMuch } from '../limits';
import { button, fill, h, inSight, notice } from './dom';
import type { Source } from './types';

const PART = 50_000;

export async function mountMarkdown(
  element: HTMLElement,
  source: Source,
  signal: AbortSignal
): Promise<void> {
  let drawn: unknown = null;
  const draw = async (): Promise<void> => {
    const data = await source.data();
    if (data === drawn || signal.aborted) {
      return;
    }
    drawn = data;
    await show(element, source, typeof data === 'string' ? data : print(data ?? ''), signal);
  };
  await draw();
  source.subscribe(() => void draw(), signal);
}

async function show(
  element: HTMLElement,
  source: Source,
  text: string,
  signal: AbortSignal
): Promise<void> {
  if (!text.trim()) {
    element.replaceChildren(notice('This text is empty.'));
  } else if (tooMuch(text)) {
    element.replaceChildren(...asItStands(text));
  } else {
    const content = h('div', 'jp-RenderedHTMLCommon jp-nba-content');
    fill(content, await source.markdown(text));
    element.replaceChildren(content);
    void inSight(content, signal).then(() => source.typeset(content));
  }
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
