/** A picture that can be looked at closely: fitted, at its own size, or in between. Wheel, keys, buttons, drag. */

import { button, h } from './dom';

const STEP = 1.25;
const LEAST = 0.05;
const MOST = 16;

/** `image` in a frame with zoom controls. The picture starts fitted to the width, never enlarged. */
export function zoomable(image: HTMLImageElement, label: string): HTMLElement {
  const shown = h('output', 'jp-nba-zoom-value', {}, 'Fit');
  const view = h('div', 'jp-nba-zoom-view', {
    tabindex: 0,
    role: 'group',
    'aria-label': `${label}. Plus and minus zoom, 0 fits, 1 shows the real size.`
  });
  view.append(image);
  let scale: number | null = null;

  const set = (to: number | null): void => {
    scale = to === null ? null : Math.min(MOST, Math.max(LEAST, to));
    view.classList.toggle('jp-mod-zoomed', scale !== null);
    image.style.inlineSize = scale === null ? '' : `${Math.round(natural(image) * scale)}px`;
    shown.value = scale === null ? 'Fit' : `${Math.round(scale * 100)} %`;
  };
  const by = (factor: number): void => set((scale ?? image.clientWidth / natural(image)) * factor);

  view.addEventListener('keydown', event => {
    const act = {
      '+': () => by(STEP),
      '=': () => by(STEP),
      '-': () => by(1 / STEP),
      '0': () => set(null),
      '1': () => set(1)
    };
    const found = act[event.key as keyof typeof act];
    if (found && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      found();
    }
  });
  view.addEventListener(
    'wheel',
    event => {
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        by(event.deltaY < 0 ? STEP : 1 / STEP);
      }
    },
    { passive: false }
  );
  image.addEventListener('dblclick', () => set(scale === null ? 1 : null));
  draggable(view);

  const controls = h(
    'div',
    'jp-nba-zoom-controls',
    { role: 'group', 'aria-label': 'Zoom' },
    button('−', 'Smaller (−)', () => by(1 / STEP)),
    shown,
    button('+', 'Larger (+)', () => by(STEP)),
    button('100 %', 'Real size (1)', () => set(1)),
    button('Fit', 'Fit to the width (0)', () => set(null))
  );
  return h('div', 'jp-nba-zoom', {}, view, controls);
}

/** The picture's own width in CSS pixels; SVGs may have none. */
function natural(image: HTMLImageElement): number {
  return image.naturalWidth || image.clientWidth || 300;
}

function draggable(view: HTMLElement): void {
  let from: { x: number; y: number; left: number; top: number } | null = null;
  view.addEventListener('pointerdown', event => {
    if (event.button === 0 && view.classList.contains('jp-mod-zoomed')) {
      from = { x: event.clientX, y: event.clientY, left: view.scrollLeft, top: view.scrollTop };
      view.setPointerCapture(event.pointerId);
    }
  });
  view.addEventListener('pointermove', event => {
    if (from) {
      view.scrollLeft = from.left - (event.clientX - from.x);
      view.scrollTop = from.top - (event.clientY - from.y);
    }
  });
  view.addEventListener('pointerup', () => (from = null));
  view.addEventListener('pointercancel', () => (from = null));
  view.addEventListener('dragstart', event => event.preventDefault());
}
