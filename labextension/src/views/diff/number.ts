/** Two numbers, and how the key's number went over its versions. */

import type { NumberDiff } from '../../diff';
import { count, duration } from '../../format';
import { h } from '../dom';
import { svg } from '../grid/spark';

const WIDTH = 320;
const HEIGHT = 60;

export function numberDiff({ from, to, series }: NumberDiff): Node[] {
  const known = series.flatMap(({ value }) => (value === null ? [] : [value]));
  return [
    h(
      'p',
      'jp-nba-diff-number',
      {},
      wordsOf(from),
      ' → ',
      h('b', '', {}, wordsOf(to)),
      changeOf(from, to)
    ),
    ...(known.length > 1 ? [line(known), versions(series)] : [])
  ];
}

function wordsOf(n: number | null): string {
  return n === null ? 'unknown' : count(n);
}

function changeOf(from: number | null, to: number | null): HTMLElement | null {
  if (from === null || to === null || from === to) {
    return null;
  }
  const sign = to > from ? '+' : '−';
  return h(
    'span',
    'jp-nba-change',
    { 'data-change': 'changed' },
    `${sign}${count(Math.abs(to - from))}`
  );
}

function line(values: number[]): Element {
  const least = Math.min(...values);
  const room = Math.max(...values) - least || 1;
  const points = values.map((value, at) => {
    const x = (at / (values.length - 1)) * (WIDTH - 6) + 3;
    return `${x.toFixed(1)},${(HEIGHT - 4 - ((value - least) / room) * (HEIGHT - 8)).toFixed(1)}`;
  });
  const picture = svg('svg', {
    class: 'jp-nba-diff-line-chart',
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: 'img',
    'aria-label': `From ${count(values[0] ?? 0)} to ${count(values.at(-1) ?? 0)} over ${values.length} versions`
  });
  picture.append(svg('polyline', { points: points.join(' ') }));
  return picture;
}

function versions(series: NumberDiff['series']): HTMLElement {
  const rows = series
    .slice(-50)
    .map(({ version, value, state, seconds }) =>
      h(
        'tr',
        '',
        {},
        h('th', '', { scope: 'row' }, version === null ? 'pending' : `v${version}`),
        h('td', 'jp-nba-number', {}, wordsOf(value)),
        h('td', '', {}, state ?? ''),
        h('td', 'jp-nba-number', {}, seconds === null ? '' : duration(seconds))
      )
    );
  return h(
    'details',
    '',
    {},
    h('summary', '', {}, 'Every version'),
    h('table', 'jp-nba-diff-table', {}, h('tbody', '', {}, ...rows))
  );
}
