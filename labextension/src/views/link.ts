/** A link: its text, its host, a new tab. An address of another kind is shown, not linked. */

import { hostOf, linkUrl, shownUrl } from '../url';
import type { LinkInfo, WireRecord } from '../wire';
import { followed, h, notice } from './dom';
import type { Source } from './types';

// [text](address), brackets within escaped by a backslash.
const MARKDOWN_LINK = /^\[((?:[^\\\]]|\\.)*)\]\(((?:[^\\)]|\\.)*)\)$/s;

/** Address and text, from `info` or from the Markdown that any client may have stored. */
export function linkOf(record: WireRecord, data: unknown): { url: string; text: string } {
  const info = record.info as Partial<LinkInfo>;
  if (typeof info.url === 'string') {
    return {
      url: info.url,
      text: typeof info.text === 'string' && info.text ? info.text : info.url
    };
  }
  const source = typeof data === 'string' ? data.trim() : '';
  const found = MARKDOWN_LINK.exec(source);
  const [text = source, url = source] = (found ?? [source])
    .slice(1)
    .map(part => part.replace(/\\(.)/gs, '$1'));
  return { url, text: text || url };
}

export async function mountLink(
  element: HTMLElement,
  source: Source,
  signal: AbortSignal
): Promise<void> {
  const show = (data: unknown): void => {
    const { url, text } = linkOf(source.record, data);
    element.replaceChildren(linkUrl(url) === null ? refused(url, text) : linked(url, text));
  };
  await followed(source, () => source.data(), show, signal);
}

function linked(url: string, text: string): HTMLElement {
  const href = linkUrl(url) ?? '';
  const link = h(
    'a',
    'jp-nba-link',
    {
      href,
      target: '_blank',
      rel: 'noopener noreferrer',
      referrerpolicy: 'no-referrer',
      title: href
    },
    h('bdi', '', {}, text === url ? shownUrl(url) : text)
  );
  const where = hostOf(href) || shownUrl(href);
  return h(
    'p',
    'jp-nba-linkline',
    {},
    link,
    text === url ? null : h('span', 'jp-nba-quiet', { dir: 'ltr' }, where)
  );
}

function refused(url: string, text: string): HTMLElement {
  const label = text === url ? null : h('bdi', '', {}, text, ' ');
  const words = 'This address is not opened: only http, https and mailto are.';
  return h(
    'div',
    '',
    {},
    h('p', 'jp-nba-linkline', {}, label, h('code', '', { dir: 'ltr' }, url)),
    notice(words)
  );
}
