/** The rows below a bar: named parts of the work and loops inside it, as a tree. */

import { count, line } from '../format';
import { type Bar, number, time } from '../progress';
import type { Step } from '../wire';
import { h } from './dom';

/** As many rows as are drawn; the kernel keeps fewer. */
const MOST = 50;
const DEEPEST = 6;

/** Reads rows, whoever wrote them, into bars with a name and a level. */
export function stepsOf(bar: Bar): { name: string; level: number; bar: Bar }[] {
  const { steps } = bar.info;
  return (Array.isArray(steps) ? steps : []).slice(0, MOST).flatMap((step: Partial<Step> | null) =>
    step === null || typeof step !== 'object' || typeof step.name !== 'string'
      ? []
      : [
          {
            name: line(step.name, 120),
            level: Math.min(Math.max(Math.floor(Number(step.level) || 1), 1), DEEPEST),
            bar: asBar(step, bar)
          }
        ]
  );
}

function asBar(step: Partial<Step>, whole: Bar): Bar {
  const total = number(step.total);
  const done = number(step.done);
  const state = typeof step.state === 'string' && step.state in SIGNS ? step.state : 'running';
  const share =
    total === null || done === null ? null : total > 0 ? Math.min(1, Math.max(0, done / total)) : 1;
  return {
    state,
    share: state === 'finished' ? 1 : share,
    done,
    total,
    unit: typeof step.unit === 'string' ? step.unit.slice(0, 40) : null,
    rate: number(step.rate),
    started: time(step.started),
    ended: time(step.ended),
    updated: whole.updated,
    info: { message: typeof step.message === 'string' ? step.message : null }
  };
}

const SIGNS = { running: '▸', finished: '✓', failed: '✗', interrupted: '✗', stopped: '■' };

/** Draws the rows into `list`; `say` gives a bar's words. A list without rows is hidden. */
export function drawSteps(list: HTMLElement, whole: Bar, say: (bar: Bar) => string): void {
  const rows = stepsOf(whole);
  const hidden = number(whole.info.hidden) ?? 0;
  const texts = rows.map(({ name, bar }) => [name, say(bar)].filter(Boolean).join(' · '));
  const mark = JSON.stringify([hidden, texts, rows.map(row => [row.level, row.bar.share])]);
  if (list.dataset['drawn'] === mark) {
    return;
  }
  list.dataset['drawn'] = mark;
  list.hidden = rows.length === 0 && hidden === 0;
  const earlier = hidden > 0 ? [h('li', 'jp-nba-step', {}, `✓ ${count(hidden)} earlier`)] : [];
  list.replaceChildren(
    ...earlier,
    ...rows.map(({ level, bar }, index) => {
      const fill = h('span', 'jp-nba-step-fill');
      fill.style.inlineSize = `${((bar.share ?? 0) * 100).toFixed(1)}%`;
      const row = h(
        'li',
        'jp-nba-step',
        { 'data-state': bar.state },
        h('span', 'jp-nba-step-sign', { 'aria-hidden': 'true' }, SIGNS[bar.state]),
        h('span', 'jp-nba-step-words', { dir: 'auto' }, texts[index] ?? ''),
        bar.state === 'running' && bar.share !== null
          ? h('span', 'jp-nba-step-track', { 'aria-hidden': 'true' }, fill)
          : null
      );
      row.style.paddingInlineStart = `${(level - 1) * 16}px`;
      return row;
    })
  );
}
