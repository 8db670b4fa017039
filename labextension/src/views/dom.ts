/** Small helpers for making elements. Text only ever becomes text. */

type Child = Node | string | null | undefined | false;

interface Attributes {
  readonly [name: string]: string | number | boolean | null | undefined;
}

/**
 * On what takes the keyboard: the front end's shortcuts for a notebook's cells (Enter edits, D D deletes) do not reach
 * into outputs. It must stand on the focused element itself.
 */
const OWN_KEYS = 'data-lm-suppress-shortcuts';

/** An element with a class, attributes and children. `true` gives an empty attribute; null and false none. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) {
    element.className = className;
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  if (['button', 'a', 'input', 'select'].includes(tag) || 'tabindex' in attributes) {
    element.setAttribute(OWN_KEYS, 'true');
  }
  element.append(
    ...children.filter(child => child !== null && child !== undefined && child !== false)
  );
  return element;
}

/** A push button that looks as the front end's own. */
export function button(
  label: string,
  title: string,
  onClick: () => void,
  className = 'jp-nba-button'
): HTMLButtonElement {
  const element = h('button', className, { type: 'button', title }, label);
  element.addEventListener('click', event => {
    event.stopPropagation();
    onClick();
  });
  return element;
}

/** Put text on the clipboard; rejects where the browser does not allow it, as on pages without HTTPS. */
export async function toClipboard(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
}

/** Call `tick` now and then every `milliseconds` until `signal` aborts. */
export function every(milliseconds: number, tick: () => void, signal: AbortSignal): void {
  if (signal.aborted) {
    return;
  }
  const timer = setInterval(tick, milliseconds);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  tick();
}

/**
 * Wait until an element is in the page and near the visible part: notebooks mount outputs before they attach them.
 * Never resolves once `signal` aborted.
 */
export function inSight(element: HTMLElement, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const observer = new IntersectionObserver(
      entries => {
        if (entries.some(entry => entry.isIntersecting)) {
          observer.disconnect();
          resolve();
        }
      },
      { rootMargin: '400px' }
    );
    signal.addEventListener('abort', () => observer.disconnect(), { once: true });
    observer.observe(element);
  });
}

/** Call back whenever an element has another size, until `signal` aborts. */
export function onResize(element: HTMLElement, callback: () => void, signal: AbortSignal): void {
  if (typeof ResizeObserver !== 'undefined') {
    const observer = new ResizeObserver(callback);
    observer.observe(element);
    signal.addEventListener('abort', () => observer.disconnect(), { once: true });
  }
}

/**
 * Show what `load` brings, now and after every change of a source until `signal` aborts. Of several loads on their way
 * only the last one counts.
 */
export async function followed<T>(
  source: { subscribe(callback: () => void, signal: AbortSignal): void },
  load: () => Promise<T>,
  show: (value: T) => void | Promise<void>,
  signal: AbortSignal
): Promise<void> {
  let turn = 0;
  const draw = async (): Promise<void> => {
    const mine = (turn += 1);
    const value = await load();
    if (mine === turn && !signal.aborted) {
      await show(value);
    }
  };
  const again = (error: unknown): void =>
    console.warn('nb-artifacts: a view could not follow a change', error);
  source.subscribe(() => void draw().catch(again), signal);
  await draw();
}

/** An object URL that lives as long as `signal`. */
export function objectUrl(blob: Blob, signal: AbortSignal): string {
  const url = URL.createObjectURL(blob);
  signal.addEventListener('abort', () => URL.revokeObjectURL(url), { once: true });
  return url;
}

/** A quiet sentence in place of content: what, why, what to do. */
export function notice(text: string, ...more: Child[]): HTMLElement {
  return h('p', 'jp-nba-notice', {}, text, ...more);
}

/** What went wrong, for people. */
export function reason(error: unknown): string {
  return error instanceof Error && error.message ? error.message : 'Something went wrong.';
}

/** Put content into `host`, read in its own direction. Chromium takes time by the square where that is said before. */
export function fill(host: HTMLElement, content: Node): void {
  host.removeAttribute('dir');
  host.replaceChildren(content);
  host.dir = 'auto';
}
