/** Markdown by the front end's own parser, then sanitised, whatever the notebook's trust says. */

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { removeMath, replaceMath } from '@jupyterlab/rendermime';
import { tooMuch } from './limits';
import { guardLink, sanitized } from './sanitize';

export interface MarkdownTools {
  markdownParser?: IRenderMime.IMarkdownParser | null;
  latexTypesetter?: IRenderMime.ILatexTypesetter | null;
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
  for (const link of host.querySelectorAll('[href]')) {
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
