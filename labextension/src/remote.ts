/** Whether an image may be fetched from another host, and the button that asks. */

import { hostOf } from './url';

export type RemoteImages = 'ask' | 'always' | 'never';

const HOSTS = 'nb-artifacts:image-hosts';
const POLICY = 'nb-artifacts:remote-images';

/** Set by the extension's setting "remoteImages"; kept, because outputs are drawn before settings are read. */
export function setRemoteImages(value: RemoteImages): void {
  write(POLICY, value);
}

function policy(): RemoteImages {
  const value = read(POLICY);
  return value === 'always' || value === 'never' ? value : 'ask';
}

function knownHosts(): string[] {
  const hosts = read(HOSTS);
  return Array.isArray(hosts) ? hosts.filter(host => typeof host === 'string') : [];
}

function remember(host: string): void {
  write(HOSTS, [...new Set([...knownHosts(), host])].slice(-200));
}

function read(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null');
  } catch {
    return null;
  }
}

function write(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // a full or forbidden storage only means being asked again
  }
}

/** Whether an image at `url` is loaded without a click. */
export function remoteAllowed(url: string, local: boolean): boolean {
  const chosen = policy();
  return chosen === 'always' || (chosen === 'ask' && (local || knownHosts().includes(hostOf(url))));
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

/**
 * A button "Show image from HOST", which remembers the host and then does `show` (by default: become the image).
 * With the setting "never" a note takes its place.
 */
export function imageButton(
  url: string,
  alt: string,
  show = (button: HTMLElement): void => button.replaceWith(remoteImage(url, alt))
): HTMLElement {
  const host = hostOf(url);
  const description = alt.trim() ? `: ${alt.trim().slice(0, 120)}` : '';
  if (policy() === 'never') {
    const note = document.createElement('span');
    note.className = 'jp-nba-blocked';
    note.textContent = `Image on ${host} not shown${description}`;
    return note;
  }
  const button = document.createElement('button');
  button.type = 'button';
  button.setAttribute('data-lm-suppress-shortcuts', 'true');
  button.className = 'jp-nba-blocked';
  button.textContent = `Show image from ${host}${description}`;
  button.title = url;
  button.addEventListener('click', () => {
    remember(host);
    show(button);
  });
  return button;
}
