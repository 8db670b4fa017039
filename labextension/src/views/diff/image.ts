/** Two images: one over the other with a slider between, side by side, and the pixels that differ. */

import type { Diff, ImageDiff } from '../../diff';
import { count } from '../../format';
import { h, notice, objectUrl, reason } from '../dom';
import { percent } from '../grid/spark';
import type { Comparison } from './index';

const VIEWS = { slider: 'Slider', sides: 'Side by side', pixels: 'Difference' } as const;

type View = keyof typeof VIEWS;

export function imageDiff(
  diff: Diff,
  image: ImageDiff,
  comparison: Comparison,
  signal: AbortSignal
): Node[] {
  const stage = h('div', 'jp-nba-diff-stage');
  void pictures(diff, comparison, signal).then(
    ([before, after]) => {
      if (!signal.aborted) {
        show(stage, before, after, image);
      }
    },
    (error: unknown) =>
      stage.replaceChildren(notice(`The images are not to be had. ${reason(error)}`))
  );
  return [h('p', 'jp-nba-quiet', {}, pixelWords(image)), stage];
}

/** "1,234 of 960,000 pixels differ (< 1 %)". */
export function pixelWords(image: ImageDiff): string {
  const { width, height, width_from: w, height_from: t } = image;
  if (w !== width || t !== height) {
    return `Now ${size(width, height)}, before ${size(w, t)}: pixels are not compared.`;
  }
  const { changed_pixels: changed, total_pixels: total } = image;
  if (changed === null || total === null) {
    return size(width, height);
  }
  return changed === 0
    ? 'Every pixel is the same.'
    : `${count(changed)} of ${count(total)} pixels differ (${percent(changed / Math.max(1, total))}).`;
}

function size(width: number | null, height: number | null): string {
  return width === null || height === null
    ? 'of unknown size'
    : `${count(width)} × ${count(height)}`;
}

async function pictures(
  diff: Diff,
  comparison: Comparison,
  signal: AbortSignal
): Promise<[string, string]> {
  const blobs = await Promise.all([comparison.blob(diff.from.id), comparison.blob(diff.to.id)]);
  const [before, after] = blobs.map(blob => objectUrl(blob, signal));
  return [before ?? '', after ?? ''];
}

function show(stage: HTMLElement, before: string, after: string, image: ImageDiff): void {
  const known = /^data:image\/png;base64,/.test(image.difference ?? '');
  const names = (Object.keys(VIEWS) as View[]).filter(view => view !== 'pixels' || known);
  const body = h('div', '');
  const bar = h('div', 'jp-nba-choices', { role: 'group', 'aria-label': 'How to look at it' });
  const draw = (view: View): void => {
    for (const node of bar.children) {
      node.setAttribute('aria-pressed', String((node as HTMLElement).dataset['view'] === view));
    }
    body.replaceChildren(
      view === 'slider'
        ? slider(before, after)
        : view === 'sides'
          ? h('div', 'jp-nba-diff-sides', {}, figure(before, 'before'), figure(after, 'after'))
          : figure(image.difference ?? '', 'what changed')
    );
  };
  for (const view of names) {
    const choice = h('button', 'jp-nba-button', { type: 'button', 'data-view': view }, VIEWS[view]);
    choice.addEventListener('click', () => draw(view));
    bar.append(choice);
  }
  stage.replaceChildren(bar, body);
  draw('slider');
}

function figure(url: string, words: string): HTMLElement {
  return h(
    'figure',
    '',
    {},
    h('img', 'jp-nba-image', { src: url, alt: words }),
    h('figcaption', 'jp-nba-quiet', {}, words)
  );
}

function slider(before: string, after: string): HTMLElement {
  const over = h('img', 'jp-nba-image jp-nba-diff-over', { src: before, alt: 'before' });
  const line = h('i', 'jp-nba-diff-edge', { 'aria-hidden': 'true' });
  const range = h('input', '', {
    type: 'range',
    min: 0,
    max: 100,
    value: 50,
    'aria-label': 'How much is shown as it was before'
  });
  const move = (): void => {
    over.style.clipPath = `inset(0 ${100 - Number(range.value)}% 0 0)`;
    line.style.left = `${range.value}%`;
  };
  range.addEventListener('input', move);
  move();
  return h(
    'div',
    'jp-nba-diff-slider',
    { dir: 'ltr' },
    h(
      'div',
      'jp-nba-diff-pair',
      {},
      h('img', 'jp-nba-image', { src: after, alt: 'after' }),
      over,
      line
    ),
    range,
    h('div', 'jp-nba-diff-ends', {}, h('span', '', {}, 'before'), h('span', '', {}, 'after'))
  );
}
