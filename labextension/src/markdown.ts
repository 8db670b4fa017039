/** Markdown by the front end's own parser, then sanitised, whatever the notebook's trust says. */

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { removeMath, replaceMath } from '@jupyterlab/rendermime';
import { guardLink, sanitized } from './sanitize';

export interface MarkdownTools {
  markdownParser?: IRenderMime.IMarkdownParser | null;
  latexTypesetter?: IRenderMime.ILatexTypesetter | null;
}

/** Longer text is shown as it stands: parsers take too long over hostile text of that size. */
export const LONGEST_MARKDOWN = 200_000;

// Nesting that makes parsers slow: long rows of brackets, quotes or emphasis marks.
const DEEP = /[[\]]{500}|(?:>\s?){500}|(?:[*_~`]\s?){1000}|^(?:\s*[-*+]\s){200}/m;

/** Whether a parser can be trusted to come back soon. */
export function tooMuch(text: string): boolean {
  return text.length > LONGEST_MARKDOWN || DEEP.test(text);
}

/** `text` as a fragment that may be inserted. Text that is too much comes as plain text. */
export async function markdownFragment(
  text: string,
  tools: MarkdownTools,
  local: boolean
): Promise<DocumentFragment> {
  if (!tools.markdownParser || tooMuch(text)) {
    return plainText(text);
  }
  const parts = removeMath(text);
  const html = replaceMath(await tools.markdownParser.render(parts.text), parts.math);
  return sanitized(html, local);
}

/** Set formulas in `host`, and look at the links that they brought. */
export async function typeset(host: HTMLElement, tools: MarkdownTools): Promise<void> {
  if (!tools.latexTypesetter || !/\$|\\[([]|\\begin/.test(host.textContent ?? '')) {
    return;
  }
  await tools.latexTypesetter.typeset(host);
  for (const link of host.querySelectorAll<Element>('a')) {
    if (link instanceof HTMLAnchorElement) {
      guardLink(link);
    } else {
      link.removeAttribute('href');
    }
  }
}

function plainText(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  const pre = document.createElement('pre');
  pre.className = 'jp-nba-plain';
  pre.textContent = text;
  fragment.append(pre);
  return fragment;
}
