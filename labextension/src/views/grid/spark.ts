/** A column's summary as a small picture: bars of how its numbers lie, or shares of its commonest values. */

import { count } from '../../format';
import type { ColumnSummary } from '../../rows';
import type { Cell } from '../../tabledata';
import { h } from '../dom';

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 20;

/** An SVG element with attributes. */
export function svg(tag: string, attributes: { [name: string]: string | number }): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, String(value));
  }
  return element;
}

/** Bars, shares, or null where there is nothing to draw. */
export function spark(summary: ColumnSummary, text: (cell: Cell) => string): Element | null {
  const { histogram, top } = summary;
  if (histogram && histogram.length > 1) {
    return bars(histogram.map(bar => bar.count));
  }
  return top && top.length > 0 ? shares(summary, top, text) : null;
}

/** One path of bars, each at least a line high where there is any row. */
export function bars(counts: readonly number[], height = HEIGHT): SVGElement {
  const most = Math.max(1, ...counts);
  const path = counts
    .map((n, at) => {
      const tall = n === 0 ? 0 : Math.max(1, Math.round((n / most) * height));
      return `M${at * 4} ${height}v${-tall}h3v${tall}z`;
    })
    .join('');
  const picture = svg('svg', {
    class: 'jp-nba-bars',
    viewBox: `0 0 ${counts.length * 4 - 1} ${height}`,
    preserveAspectRatio: 'none',
    'aria-hidden': 'true'
  });
  picture.append(svg('path', { d: path }));
  return picture;
}

function shares(
  summary: ColumnSummary,
  top: { value: Cell; count: number }[],
  text: (cell: Cell) => string
): HTMLElement {
  const { distinct, nulls } = summary;
  const first = commonest(top);
  const values = top.reduce((sum, { count }) => sum + count, 0);
  const all = Math.max(values, ...[values + nulls]);
  if (distinct !== null && (first?.count ?? 0) <= 1) {
    return h('span', 'jp-nba-shares', {}, h('em', '', {}, differentWords(distinct)));
  }
  const strip = h('span', 'jp-nba-strip', { 'aria-hidden': 'true' });
  for (const one of top.slice(0, 5)) {
    const part = h('i', '');
    part.style.flexGrow = String(one.count / all);
    strip.append(part);
  }
  const words = `${text(first?.value)}${distinct !== null && distinct > 1 ? ` +${count(distinct - 1)}` : ''}`;
  return h('span', 'jp-nba-shares', {}, strip, h('em', '', { dir: 'auto' }, words));
}

/** The first of those that are there most often: ordered categories do not come by their number. */
function commonest<T extends { count: number }>(top: T[]): T | undefined {
  const most = Math.max(...top.map(({ count }) => count));
  return top.find(({ count }) => count === most);
}

/** What the picture says, in words. */
export function summaryWords(
  summary: ColumnSummary,
  rows: number,
  text: (cell: Cell) => string
): string[] {
  const { min, max, mean, distinct, nulls, top } = summary;
  const words: string[] = [];
  if (!top?.length && min !== undefined && min !== null && max !== undefined && max !== null) {
    words.push(min === max ? `always ${text(min)}` : `from ${text(min)} to ${text(max)}`);
  }
  if (typeof mean === 'number') {
    words.push(`mean ${text(mean)}`);
  }
  if (distinct !== null && distinct !== undefined) {
    words.push(differentWords(distinct));
  }
  const first = commonest(top ?? []);
  if (first && rows > 0 && first.count > 1) {
    words.push(`most often ${text(first.value)} (${percent(first.count / rows)})`);
  }
  words.push(
    nulls === 0 ? 'no nulls' : `${count(nulls)} null (${percent(nulls / Math.max(1, rows))})`
  );
  return words;
}

/** Large numbers of different values are estimates. */
function differentWords(distinct: number): string {
  const rounded = Number(distinct.toPrecision(3));
  return distinct < 1000 ? `${distinct} different` : `about ${count(rounded)} different`;
}

/** "6 %", "< 1 %", "> 99 %". */
export function percent(share: number): string {
  const rounded = Math.round(share * 100);
  if (share > 0 && rounded < 1) {
    return '< 1 %';
  }
  return share < 1 && rounded === 100 ? '> 99 %' : `${rounded} %`;
}
