/**
 * Content made safe, whatever the notebook's trust says.
 *
 * DOMPurify works in an inert document: nothing runs and nothing is fetched before the result is inserted. What is
 * left has no script, frame, form or SVG, no id, name or handler, and no style that could leave its place; links go
 * to http, https or mailto in a new tab, images are data or a button that loads them.
 */

import createDOMPurify from 'dompurify';
import type { Config, DOMPurify } from 'dompurify';
import { imageButton, remoteAllowed } from './remote';
import { safeStyle } from './css';
import { isDataImage, linkUrl, remoteImageUrl } from './url';

const TAGS = (
  'a abbr b bdi bdo blockquote br caption center cite code col colgroup dd del details dfn div dl dt em figcaption ' +
  'figure font h1 h2 h3 h4 h5 h6 hr i img input ins kbd li mark ol p pre q rp rt ruby s samp small span strike strong sub ' +
  'summary sup table tbody td tfoot th thead time tr tt u ul var wbr'
).split(' ');

const ATTRIBUTES = (
  'abbr align alt aria-label aria-hidden checked cite class colspan color datetime dir height href lang open reversed role ' +
  'rowspan scope span src start style title type valign value width'
).split(' ');

/** Classes that only colour code; any other could borrow the front end's own (dialogs, overlays). */
const CLASS = /^(?:language-[\w-]+|cm-[\w-]+|tok-[\w-]+|ͼ\w+)$/;
const ROLES = new Set(['presentation', 'none', 'img', 'note']);

const CONFIG: Config = {
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: ATTRIBUTES,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOW_UNKNOWN_PROTOCOLS: false,
  ADD_DATA_URI_TAGS: ['img'],
  FORBID_CONTENTS: [
    'script',
    'style',
    'template',
    'noscript',
    'iframe',
    'object',
    'title',
    'textarea',
    'select'
  ],
  RETURN_DOM_FRAGMENT: true,
  SANITIZE_NAMED_PROPS: true
};

let purifier: DOMPurify | null = null;

function purify(): DOMPurify {
  if (purifier === null) {
    purifier = createDOMPurify(window);
    purifier.addHook('uponSanitizeAttribute', (element, data) => {
      const value = attribute(element, data.attrName, data.attrValue);
      data.keepAttr = value !== null;
      data.attrValue = value ?? '';
      data.forceKeepAttr = false;
    });
  }
  return purifier;
}

/** What becomes of one attribute: its value, a safer one, or null to leave it out. */
function attribute(element: Element, name: string, value: string): string | null {
  switch (name) {
    case 'href':
      return element.tagName === 'A' ? linkUrl(value) : null;
    case 'src':
      return element.tagName === 'IMG' && (isDataImage(value) || remoteImageUrl(value))
        ? value
        : null;
    case 'style':
      return safeStyle(value) || null;
    case 'class':
      return (
        value
          .split(/\s+/)
          .filter(name => CLASS.test(name))
          .join(' ') || null
      );
    case 'type':
      return element.tagName === 'INPUT' && value === 'checkbox' ? value : null;
    case 'role':
      return ROLES.has(value) ? value : null;
    case 'cite':
      return linkUrl(value);
    case 'width':
    case 'height':
      return /^\d{1,4}%?$/.test(value) ? value : null;
    default:
      return ATTRIBUTES.includes(name) ? value : null;
  }
}

/** HTML as a fragment that may be inserted. `local` content loads its remote images; other content asks first. */
export function sanitized(html: string, local: boolean): DocumentFragment {
  const fragment = purify().sanitize(html, CONFIG) as unknown as DocumentFragment;
  for (const input of fragment.querySelectorAll('input')) {
    input.replaceWith(input.type !== 'checkbox' ? '' : input.hasAttribute('checked') ? '☑' : '☐');
  }
  for (const link of fragment.querySelectorAll('a')) {
    guardLink(link);
  }
  for (const image of fragment.querySelectorAll('img')) {
    guardImage(image, local);
  }
  return fragment;
}

/** Have a link open in a new tab that knows nothing of this one; without an address it is no link. */
export function guardLink(link: HTMLAnchorElement): void {
  const url = linkUrl(link.getAttribute('href'));
  if (url === null) {
    link.removeAttribute('href');
    return;
  }
  link.href = url;
  link.target = '_blank';
  link.rel = 'noopener noreferrer';
  link.referrerPolicy = 'no-referrer';
  link.setAttribute('data-lm-suppress-shortcuts', 'true');
}

function guardImage(image: HTMLImageElement, local: boolean): void {
  const source = image.getAttribute('src') ?? '';
  image.referrerPolicy = 'no-referrer';
  image.loading = 'lazy';
  if (isDataImage(source)) {
    return;
  }
  const url = remoteImageUrl(source);
  if (url === null) {
    image.replaceWith(image.alt);
  } else if (!remoteAllowed(url, local)) {
    image.replaceWith(imageButton(url, image.alt));
  }
}
