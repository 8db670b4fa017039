/** A bar that moves, and what a person asks of it: how far, how fast, how long still. */

import { count, counted, duration, line, span, took } from '../format';
import { estimate, percentage, progressOf, silence } from '../progress';
import type { Bar } from '../progress';
import { every, h } from './dom';
import { drawSteps } from './steps';
import type { Source } from './types';

export function mountProgress(
  element: HTMLElement,
  source: Pick<Source, 'record' | 'subscribe'>,
  signal: AbortSignal
): void {
  const fill = h('div', 'jp-nba-fill');
  const track = h(
    'div',
    'jp-nba-track',
    { role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 },
    fill
  );
  const left = h('span', 'jp-nba-progress-state', { dir: 'auto' });
  const right = h('span', 'jp-nba-progress-pace');
  const steps = h('ul', 'jp-nba-steps', { 'aria-label': 'Steps', hidden: true });
  const root = h(
    'div',
    'jp-nba-progress',
    {},
    track,
    h('div', 'jp-nba-progress-words', {}, left, right),
    steps
  );
  element.replaceChildren(root);

  const draw = (): void => {
    const bar = progressOf(source.record);
    const now = new Date();
    root.dataset['state'] = bar.state;
    track.setAttribute('aria-label', source.record.key ?? 'Progress');
    root.classList.toggle('jp-mod-indeterminate', bar.share === null && bar.state === 'running');
    fill.style.inlineSize = `${((bar.share ?? (bar.state === 'running' ? 0 : 1)) * 100).toFixed(2)}%`;
    const words = said(bar);
    const pace = paceOf(bar, now);
    write(left, words);
    write(right, pace);
    drawSteps(steps, bar, step => joined(said(step), paceOf(step, now)));
    if (bar.share === null) {
      track.removeAttribute('aria-valuenow');
    } else {
      track.setAttribute('aria-valuenow', String(percentage(bar.share)));
    }
    const spoken = bar.state === 'running' ? `running, ${words}` : words;
    track.setAttribute('aria-valuetext', pace ? `${spoken}, ${pace}` : spoken);
  };
  source.subscribe(draw, signal);
  const tick = (): void => {
    if (source.record.seq === 0 || progressOf(source.record).state === 'running') {
      draw();
    }
  };
  draw();
  every(1000, tick, signal);
}

/** Only what changed is written, so that a selection or a screen reader is not disturbed. */
function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** The left half: "43 % · 157 of 365 days", "finished in 3:12", "failed at 43 % · ValueError: …". */
export function said(bar: Bar): string {
  const { gone } = estimate(bar, new Date());
  const share = bar.share === null ? '' : `${percentage(bar.share)} %`;
  const number = counted(bar);
  const why = [bar.info.error, bar.info.message].map(text =>
    typeof text === 'string' ? line(text, 300) : ''
  );
  switch (bar.state) {
    case 'running':
      return joined(share, number, why[1]) || 'running';
    case 'finished':
      return joined(gone === null ? 'finished' : `finished in ${took(gone)}`, number, why[1]);
    default:
      return joined(
        `${bar.state} ${share ? `at ${share}` : ''}`.trim(),
        share ? '' : number,
        why[0],
        why[1]
      );
  }
}

/** The right half while it runs: "1.9 /s · 0:52 gone · 1:49 left". */
export function paceOf(bar: Bar, now: Date): string {
  if (bar.state !== 'running') {
    return '';
  }
  const { gone, left } = estimate(bar, now);
  const quiet = silence(bar, now);
  return joined(
    quiet === null && bar.rate && bar.unit !== '%' ? rate(bar.rate) : '',
    gone === null ? '' : `${duration(gone)} gone`,
    quiet !== null
      ? `no news for ${span(quiet)}`
      : left !== null
        ? `${duration(left)} left`
        : usually(bar.info.usual)
  );
}

/** What earlier runs took, while nothing better is known. */
function usually(seconds: unknown): string {
  return typeof seconds === 'number' && seconds > 0 && Number.isFinite(seconds)
    ? `usually ${span(seconds)}`
    : '';
}

function rate(perSecond: number): string {
  if (perSecond >= 1) {
    return `${count(Number(perSecond.toPrecision(perSecond >= 100 ? 3 : 2)))} /s`;
  }
  const seconds = 1 / perSecond;
  return `${seconds < 60 ? `${Number(seconds.toPrecision(2))} s` : duration(seconds)} each`;
}

function joined(...parts: (string | undefined)[]): string {
  return parts.filter(Boolean).join(' · ');
}
