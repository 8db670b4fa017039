/** Whether an image may be fetched from another host, and the button that asks. */

import { hostOf } from './url';

export type RemoteImages = 'ask' | 'always' | 'never';

const KEY = 'nb-artifacts:image-hosts';

let policy: RemoteImages = 'ask';

/** Set by the extension's setting "remoteImages". */
export function setRemoteImages(value: RemoteImages): void {
  policy = value;
}

function knownHosts(): string[] {
  try {
    const hosts: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(hosts) ? hosts.filter(host => typeof host === 'string') : [];
  } catch {
    return [];
  }
}

function remember(host: string): void {
  try {
    localStorage.setItem(KEY, JSON.stringify([...new Set([...knownHosts(), host])].slice(-200)));
  } catch {
    // a full or forbidden storage only means being asked again
  }
}

/** Whether an image at `url` is loaded without a click. */
export function remoteAllowed(url: string, local: boolean): boolean {
  if (policy === 'ask') {
    return local || knownHosts().includes(hostOf(url));
  }
  return policy === 'always';
}

/** An `<img>` that tells the other host nothing of this page. */
export function remoteImage(url: string, alt: string): HTMLImageElement {
  const image = document.createElement('img');
  image.referrerPolicy = 'no-referrer';
  image.loading = 'lazy';
  image.alt = alt;
  image.src = url;
  return image;
}

/** A button "Show image from HOST" that becomes the image. With the setting "never" it only says so. */
export function imageButton(url: string, alt: string): HTMLElement {
  const host = hostOf(url);
  const description = alt.trim() ? `: ${alt.trim().slice(0, 120)}` : '';
  if (policy === 'never') {
    const note = document.createElement('span');
    note.className = 'jp-nba-blocked';
    note.textContent = `Image on ${host} not shown${description}`;
    return note;
  }
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'jp-nba-blocked';
  button.textContent = `Show image from ${host}${description}`;
  button.title = url;
  button.addEventListener('click', () => {
    remember(host);
    button.replaceWith(remoteImage(url, alt));
  });
  return button;
}
