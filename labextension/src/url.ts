/** Which addresses content may name. Everything that is not plainly web or mail is none. */

// Browsers drop tab, newline and carriage return anywhere in an address, and control characters and spaces before it.
const IGNORED = /[\u0000-\u0020\u007f-\u00a0\u2028\u2029\ufeff]/g;
const LINK = /^(?:https?:\/\/[^/\\?#]|mailto:[^/\\])/i;
const DATA_IMAGE = /^data:image\/(?:png|jpeg|gif|webp|svg\+xml)[;,]/i;

/** The address if a link may go there (http, https, mailto), else null. */
export function linkUrl(url: unknown): string | null {
  if (typeof url !== 'string' || url.length > 8192) {
    return null;
  }
  const trimmed = url.trim();
  if (!LINK.test(trimmed.replace(IGNORED, ''))) {
    return null;
  }
  try {
    const parsed = new URL(trimmed);
    return ['http:', 'https:', 'mailto:'].includes(parsed.protocol) ? parsed.href : null;
  } catch {
    return null;
  }
}

/** The address if an image may come from there after a click (http, https), else null. */
export function remoteImageUrl(url: unknown): string | null {
  const href = linkUrl(url);
  return href?.startsWith('http') ? href : null;
}

/** Whether `url` is an image that it carries itself. */
export function isDataImage(url: string): boolean {
  return DATA_IMAGE.test(url.trim());
}

/** The host to name to the reader. */
export function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return '';
  }
}

/** The address as people read it: without scheme and trailing slash, cut in the middle. */
export function shownUrl(url: string, limit = 90): string {
  const bare = url.replace(/^(?:https?:\/\/|mailto:)/i, '').replace(/\/$/, '');
  return bare.length <= limit
    ? bare
    : `${bare.slice(0, Math.ceil(limit * 0.65))}…${bare.slice(-Math.floor(limit * 0.3))}`;
}
