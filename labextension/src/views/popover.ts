/** A small box beside what opened it, above everything else; Escape, a click elsewhere or scrolling closes it. */

import { h } from './dom';

let current: (() => void) | null = null;

/** Close whichever box is open. */
export function closePopover(): void {
  current?.();
}

/**
 * Open a box below `anchor`. The focus goes to its first control, and back when it closes. What comes back puts other
 * content in its place.
 */
export function openPopover(
  anchor: HTMLElement,
  label: string,
  content: Node[],
  signal: AbortSignal,
  closed?: () => void
): (content: Node[]) => void {
  closePopover();
  const host = anchor.closest<HTMLElement>('.jp-nba-grid, .jp-nba-diff') ?? document.body;
  const box = h('div', 'jp-nba-popover', {
    role: 'dialog',
    'aria-label': label,
    popover: 'manual',
    tabindex: -1
  });
  box.append(...content);
  const ended = new AbortController();
  const close = (): void => {
    if (ended.signal.aborted) {
      return;
    }
    const focused = box.contains(document.activeElement);
    ended.abort();
    current = current === close ? null : current;
    box.remove();
    anchor.setAttribute('aria-expanded', 'false');
    if (focused && anchor.isConnected) {
      anchor.focus({ preventScroll: true });
    }
    closed?.();
  };
  current = close;
  signal.addEventListener('abort', close, { once: true, signal: ended.signal });
  anchor.setAttribute('aria-expanded', 'true');
  host.append(box);
  (box as { showPopover?: () => void }).showPopover?.();
  place(box, anchor);
  listen(box, anchor, close, ended.signal);
  const focus = (): void =>
    (box.querySelector<HTMLElement>('input, button, select') ?? box).focus({ preventScroll: true });
  focus();
  return next => {
    const focused = box.contains(document.activeElement);
    box.replaceChildren(...next);
    place(box, anchor);
    if (focused) {
      focus();
    }
  };
}

function listen(
  box: HTMLElement,
  anchor: HTMLElement,
  close: () => void,
  signal: AbortSignal
): void {
  box.addEventListener('keydown', event => {
    event.stopPropagation();
    if (event.key === 'Escape') {
      close();
    }
  });
  box.addEventListener('click', event => event.stopPropagation());
  document.addEventListener(
    'pointerdown',
    event => {
      const target = event.target as Node;
      if (!box.contains(target) && !anchor.contains(target)) {
        close();
      }
    },
    { capture: true, signal }
  );
  addEventListener(
    'scroll',
    event => {
      const target = event.target as Node;
      if (!box.contains(target) && target.contains(anchor)) {
        close();
      }
    },
    { capture: true, passive: true, signal }
  );
  addEventListener('resize', close, { signal });
}

function place(box: HTMLElement, anchor: HTMLElement): void {
  const edge = 6;
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  const rtl = getComputedStyle(anchor).direction === 'rtl';
  const wanted = rtl ? at.right - width : at.left;
  const left = Math.max(edge, Math.min(innerWidth - width - edge, wanted));
  const below = innerHeight - at.bottom - edge;
  const top =
    height <= below || below >= at.top ? at.bottom + 2 : Math.max(edge, at.top - height - 2);
  box.style.left = `${left}px`;
  box.style.top = `${top}px`;
  box.style.maxHeight = `${Math.max(120, innerHeight - top - edge)}px`;
}

/** Open by a click, and close by the next. */
export function opens(
  anchor: HTMLElement,
  label: string,
  content: () => Node[],
  signal: AbortSignal
): void {
  anchor.setAttribute('aria-haspopup', 'dialog');
  anchor.setAttribute('aria-expanded', 'false');
  anchor.addEventListener(
    'click',
    event => {
      event.stopPropagation();
      if (anchor.getAttribute('aria-expanded') === 'true') {
        closePopover();
      } else {
        openPopover(anchor, label, content(), signal);
      }
    },
    { signal }
  );
}
