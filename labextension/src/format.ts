/** Words a person would use for times, sizes, counts and states. No DOM, no transport. */

import type { ImageInfo, ProgressInfo, TableInfo, WireRecord } from './wire';
import { estimate, percentage, progressOf, silence, time } from './progress';
import type { Bar } from './progress';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A count with separators: 12,345. */
export function count(n: number | bigint): string {
  return n.toLocaleString('en-US', { maximumFractionDigits: 3 });
}

/** A count and its noun: "1 row", "2 rows". */
export function plural(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? '' : 's'}`;
}

/** A size: "812 B", "3.1 kB", "412 MB". */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = n;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const shown = unit === 0 || value >= 99.95 ? Math.round(value).toString() : value.toFixed(1);
  return `${shown.replace(/\.0$/, '')} ${units[unit]}`;
}

/** How long ago, roughly: "now", "2 min", "3 h", "Mon", "12 Nov", "12 Nov 2024". */
export function ago(time: string | Date, now: Date = new Date()): string {
  const then = new Date(time);
  const seconds = (now.getTime() - then.getTime()) / 1000;
  if (Number.isNaN(seconds)) {
    return '';
  }
  if (seconds < 45) {
    return 'now';
  }
  if (seconds < HOUR - MINUTE / 2) {
    return `${Math.round(seconds / MINUTE)} min`;
  }
  if (seconds < DAY) {
    return `${Math.round(seconds / HOUR)} h`;
  }
  if (seconds < 6 * DAY) {
    return then.toLocaleDateString('en-GB', { weekday: 'short' });
  }
  const year = then.getFullYear() === now.getFullYear() ? undefined : 'numeric';
  return then.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year });
}

/** The exact time in the reader's zone, for a tooltip. */
export function exactly(time: string | Date): string {
  const then = new Date(time);
  if (Number.isNaN(then.getTime())) {
    return '';
  }
  return then.toLocaleString('en-GB', { dateStyle: 'full', timeStyle: 'long' });
}

/** A span of seconds as a clock shows it: "0:04", "1:49", "2:03:07"; days in words. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole >= 2 * DAY) {
    return plural(Math.round(whole / DAY), 'day');
  }
  const h = Math.floor(whole / HOUR);
  const m = Math.floor((whole % HOUR) / MINUTE);
  const s = String(whole % MINUTE).padStart(2, '0');
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${s}` : `${m}:${s}`;
}

/** How long something took: "0.4 s", "14 s", "3:12"; the same words as in Python. */
export function took(seconds: number): string {
  if (seconds < 0.05) {
    return 'under 0.1 s';
  }
  const tenths = Math.round(seconds * 10) / 10;
  const short = tenths < 1 ? tenths : Math.round(seconds);
  return short < 60 ? `${short} s` : duration(seconds);
}

/** A span of seconds in words: "8 s left" style callers add their own preposition. */
export function span(seconds: number): string {
  if (seconds < 0.95) {
    return 'under 1 s';
  }
  if (seconds < 90) {
    return `${Math.max(1, Math.round(seconds))} s`;
  }
  if (seconds < 90 * MINUTE) {
    return `${Math.round(seconds / MINUTE)} min`;
  }
  return seconds < 2 * DAY
    ? `${Math.round(seconds / HOUR)} h`
    : plural(Math.round(seconds / DAY), 'day');
}

/** Text on one line: white space folded, no more than `limit` characters. */
export function line(text: string, limit = 200): string {
  const folded = text
    .slice(0, limit * 4)
    .replace(/\s+/g, ' ')
    .trim();
  const points = Array.from(folded);
  return points.length > limit ? `${points.slice(0, limit - 1).join('')}…` : folded;
}

/** Markdown as one plain line: marks taken off, not parsed. */
export function plain(markdown: string, limit = 200): string {
  const text = markdown
    .slice(0, limit * 8)
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^\s{0,3}(?:#{1,6}\s+|>\s?|[-*+]\s+)/gm, '')
    .replace(/(\*\*|__|`+|~~)/g, '')
    .replace(/(?<![\w*_])([*_])(?=\S)([^*_\n]*\S)\1(?![\w*_])/g, '$2')
    .replace(/<[^>]*>/g, '');
  return line(text, limit);
}

/** What a title says where there is no key. */
export function title(record: WireRecord): string {
  return record.key ?? `${typeWord(record.type)} without a key`;
}

const WORDS: { [type: string]: string } = {
  link: 'Link',
  markdown: 'Markdown',
  progress: 'Progress',
  image: 'Image',
  table: 'Table',
  display: 'Output'
};

/** The type as a heading says it. */
export function typeWord(type: string | null): string {
  return (type !== null && Object.hasOwn(WORDS, type) ? WORDS[type] : type) ?? 'Artifact';
}

/** One short line that says what the artifact is: "16 rows × 4 columns", "1,240 rows · running", "43 % · 157 of 365". */
export function summary(record: WireRecord, now: Date = new Date()): string {
  const info = record.info;
  switch (record.type) {
    case 'table':
      return tableSummary(info);
    case 'image':
      return imageSummary(info);
    case 'progress':
      return progressSummary(record, now);
    case 'markdown':
      return joined(text(info.title), size(info.size)) || 'Markdown';
    case 'link':
      return text(info.text) || text(info.url) || 'Link';
    case 'display':
      return joined(text(info.title) || 'Output', size(info.size));
    default:
      return typeWord(record.type);
  }
}

/** "interrupted · kernel died": how a live table stands; nothing for one that is finished, and for others. */
function liveWords({ live }: Partial<TableInfo>): string {
  return live && live.state !== 'finished' ? joined(text(live.state), text(live.error)) : '';
}

/** How a live table stands, unless it is finished, and whether that is an end that nobody wanted. */
export function standing(record: WireRecord): { words: string; broken: boolean } | null {
  const words = record.type === 'table' ? liveWords(record.info) : '';
  return words === '' ? null : { words, broken: /^(?:failed|interrupted)/.test(words) };
}

function tableSummary(info: Partial<TableInfo>): string {
  const { rows, column_count: columns } = info;
  if (typeof rows !== 'number') {
    return 'Table';
  }
  const stands = liveWords(info);
  if (stands !== '') {
    return joined(plural(rows, 'row'), stands);
  }
  return typeof columns === 'number'
    ? `${plural(rows, 'row')} × ${plural(columns, 'column')}`
    : 'Table';
}

function imageSummary(info: Partial<ImageInfo>): string {
  if (typeof info.url === 'string') {
    return line(info.url, 120);
  }
  const kind = text(info.media)
    .replace(/^image\//, '')
    .replace('+xml', '')
    .toUpperCase();
  const { width, height } = info;
  const pixels =
    typeof width === 'number' && typeof height === 'number'
      ? `${count(width)} × ${count(height)}`
      : '';
  return [kind, pixels].filter(Boolean).join(' ') || 'Image';
}

function progressSummary(record: WireRecord, now: Date): string {
  const bar = progressOf(record);
  const share = bar.share === null ? '' : `${percentage(bar.share)} %`;
  const why = text(bar.info.error) || text(bar.info.message);
  if (bar.state === 'finished') {
    return joined(`finished ${elapsed(bar.info)}`.trim(), why);
  }
  if (bar.state !== 'running') {
    return joined(share ? `${bar.state} at ${share}` : bar.state, why);
  }
  const { left } = estimate(bar, now);
  const quiet = silence(bar, now);
  const news =
    quiet !== null ? `no news for ${span(quiet)}` : left === null ? '' : `${span(left)} left`;
  return joined(share, counted(bar), news) || 'running';
}

/** "157 of 365 days"; nothing for a bare percentage. */
export function counted(bar: Bar): string {
  if (bar.unit === '%' || bar.done === null) {
    return '';
  }
  const unit = bar.unit ? ` ${line(bar.unit, 30)}` : '';
  return bar.total === null || (bar.state === 'finished' && bar.done === bar.total)
    ? `${count(bar.done)}${unit || ' done'}`
    : `${count(bar.done)} of ${count(bar.total)}${unit}`;
}

function elapsed(info: Partial<ProgressInfo>): string {
  const from = time(info.started);
  const to = time(info.ended);
  return from === null || to === null ? '' : `in ${took((to - from) / 1000)}`;
}

function size(value: unknown): string {
  return typeof value === 'number' ? bytes(value) : '';
}

function text(value: unknown): string {
  return typeof value === 'string' ? isolated(line(value, 120)) : '';
}

/** Text that runs from right to left, wrapped so that the words beside it keep their places. */
export function isolated(text: string): string {
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(text) ? `\u2068${text}\u2069` : text;
}

function joined(...parts: string[]): string {
  return parts.filter(Boolean).join(' · ');
}

/** What a caught value says went wrong. */
export function failure(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
