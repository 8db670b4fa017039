/** How a bar went, beside the earlier runs of its key: curves of how far and how fast, and what each run took. */

import { count, duration, line, span, took } from '../format';
import { estimate, percentage, progressOf } from '../progress';
import type { Bar } from '../progress';
import type { WireRecord } from '../wire';
import { h } from './dom';

/** Earlier runs that are drawn, at most. */
const MOST = 8;
const MOST_POINTS = 200;

type Point = readonly [seconds: number, value: number];

/** One run of a key. */
export interface PastRun {
  record: WireRecord;
  bar: Bar;
  seconds: number;
  /** How much was done when. */
  done: Point[];
}

/** The run that is shown, first, and the newest of those before it. */
export function runsOf(versions: readonly WireRecord[], shown: WireRecord, now: Date): PastRun[] {
  const before = versions
    .filter(({ type, id }) => type === 'progress' && id !== shown.id)
    .filter(({ created }) => Date.parse(created) <= Date.parse(shown.created))
    .sort((a, b) => Date.parse(b.created) - Date.parse(a.created));
  return [shown, ...before.slice(0, MOST)].map(record => {
    const bar = progressOf(record);
    return { record, bar, seconds: estimate(bar, now).gone ?? 0, done: pointsOf(bar) };
  });
}

/** Reads a curve, whoever wrote it. */
function pointsOf(bar: Bar): Point[] {
  const { curve } = bar.info as { curve?: unknown };
  const points: Point[] = [];
  for (const point of Array.isArray(curve) ? curve.slice(0, MOST_POINTS) : []) {
    const [seconds, done] = Array.isArray(point) ? (point as unknown[]) : [];
    const last = points.at(-1)?.[0] ?? -1;
    if (Number.isFinite(seconds) && Number.isFinite(done) && (seconds as number) > last) {
      points.push([seconds as number, done as number]);
    }
  }
  return points;
}

/** How fast it was between the points of a curve, a mean over a few of them. */
export function speeds(done: readonly Point[]): Point[] {
  const reach = Math.max(1, Math.round(done.length / 16));
  return done.slice(1).map(([seconds], index) => {
    const from = done[Math.max(0, index + 1 - reach)] as Point;
    const to = done[Math.min(done.length - 1, index + reach)] as Point;
    return [seconds, to[0] > from[0] ? Math.max(0, (to[1] - from[1]) / (to[0] - from[0])) : 0];
  });
}

/** Draws into `host`, which is hidden while there is nothing to compare and no curve. */
export function drawRuns(
  host: HTMLElement,
  versions: readonly WireRecord[],
  shown: WireRecord,
  now: Date = new Date()
): void {
  const runs = shown.type === 'progress' ? runsOf(versions, shown, now) : [];
  const curves = runs.some(run => run.done.length > 1);
  host.hidden = runs.length < 2 && !curves;
  if (host.hidden) {
    host.replaceChildren();
    return;
  }
  const inShares = runs.every(run => (run.bar.total ?? 0) > 0);
  const far = runs.map(run =>
    run.done.map(([at, done]): Point => [at, inShares ? done / (run.bar.total ?? 1) : done])
  );
  const fast = runs.map(run => speeds(run.done));
  const unit = runs[0]?.bar.unit ?? '';
  const asDone = (value: number): string =>
    inShares ? `${Math.round(value * 100)} %` : amount(value, unit === '%' ? '' : unit);
  const asSpeed = (value: number): string => `${amount(value, unit)}/s`.replace('% /', '%/');
  const done = runs.map(run => run.done);
  const told = (lines: readonly (readonly Point[])[], say: (end: Point) => string): string =>
    runs
      .map((run, index) => ({ name: nameOf(run, index), end: lines[index]?.at(-1) }))
      .flatMap(({ name, end }) => (end?.[0] ? `${name}: ${say(end)} after ${span(end[0])}` : []))
      .join('; ');
  const charts = [
    chart(
      'Done',
      far,
      asDone,
      inShares ? 1 : 0,
      told(far, at => asDone(at[1]))
    ),
    chart(
      'Speed',
      fast,
      asSpeed,
      0,
      told(done, at => `${asSpeed(at[1] / at[0])} on average`)
    )
  ];
  host.replaceChildren(
    h('h3', '', {}, runs.length > 1 ? 'This run and earlier ones' : 'This run'),
    h('div', 'jp-nba-curves', { hidden: !curves }, ...charts),
    timesOf(runs)
  );
}

function amount(value: number, unit: string): string {
  return `${count(Number(value.toPrecision(3)))} ${line(unit, 30)}`.trim();
}

/** A figure of one line a run; in words for who does not see it. */
function chart(
  name: string,
  lines: readonly (readonly Point[])[],
  say: (value: number) => string,
  least: number,
  words: string
): HTMLElement {
  const points = lines.flat();
  const right = Math.max(...points.map(([at]) => at), 1e-9);
  const top = Math.max(...points.map(([, value]) => value), least) || 1;
  const picture = svg('svg', {
    viewBox: '0 0 100 100',
    preserveAspectRatio: 'none',
    role: 'img',
    'aria-label': `${name} over time. ${words}`
  });
  lines
    .map((line, index) => ({ line, index }))
    .reverse() // this run lies on top
    .forEach(({ line, index }) => {
      const drawn = line.map(
        ([at, value]) =>
          `${((100 * at) / right).toFixed(2)},${(100 - (96 * value) / top).toFixed(2)}`
      );
      picture.append(
        svg('polyline', {
          points: drawn.join(' '),
          'vector-effect': 'non-scaling-stroke',
          'data-run': index === 0 ? 'this' : 'earlier'
        })
      );
    });
  return h(
    'figure',
    'jp-nba-curve',
    {},
    h('figcaption', '', {}, h('span', '', {}, name), h('span', '', {}, `up to ${say(top)}`)),
    picture,
    h(
      'div',
      'jp-nba-curve-axis',
      { 'aria-hidden': 'true' },
      h('span', '', {}, '0:00'),
      h('span', '', {}, duration(right))
    )
  );
}

function nameOf({ record }: PastRun, index: number): string {
  return index === 0 ? 'this run' : `v${record.version ?? '?'}`;
}

/** What each run took, as a table that is also a picture. */
function timesOf(runs: readonly PastRun[]): HTMLElement {
  const longest = Math.max(...runs.map(run => run.seconds), 1e-9);
  const rows = runs.map((run, index) => {
    const fill = h('span', 'jp-nba-took-fill');
    fill.style.inlineSize = `${((100 * run.seconds) / longest).toFixed(1)}%`;
    const share = run.bar.share === null ? '' : ` at ${percentage(run.bar.share)} %`;
    const { state } = run.bar;
    return h(
      'tr',
      '',
      { 'data-state': state, 'aria-current': index === 0 ? 'true' : null },
      h('th', '', { scope: 'row' }, `v${run.record.version ?? '?'}`),
      h('td', 'jp-nba-took-bar', { 'aria-hidden': 'true' }, fill),
      h('td', '', {}, took(run.seconds)),
      h('td', '', {}, state === 'finished' || state === 'running' ? state : `${state}${share}`)
    );
  });
  return h(
    'table',
    'jp-nba-took',
    { 'aria-label': 'What each run took' },
    h('tbody', '', {}, ...rows)
  );
}

function svg(tag: string, attributes: { [name: string]: string }): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  return element;
}
