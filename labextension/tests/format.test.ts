import { describe, expect, it } from 'vitest';
import {
  ago,
  bytes,
  count,
  duration,
  line,
  plain,
  span,
  summary,
  title,
  took
} from '../src/format';
import { record } from './records';

const NOW = new Date('2026-11-23T12:00:00Z');
const before = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000);

describe('sizes and counts', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [3100, '3.1 kB'],
    [412e6, '412 MB'],
    [999_600, '1 MB'],
    [5.25e12, '5.3 TB']
  ])('%d bytes are %s', (n, words) => expect(bytes(n)).toBe(words));

  it('separates thousands, of big integers too', () => {
    expect(count(54173)).toBe('54,173');
    expect(count(2n ** 64n)).toBe('18,446,744,073,709,551,616');
  });
});

describe('times', () => {
  it.each([
    [3, 'now'],
    [130, '2 min'],
    [3 * 3600, '3 h'],
    [3 * 86400, 'Fri'],
    [40 * 86400, '14 Oct'],
    [800 * 86400, '14 Sept 2024']
  ])('%d seconds ago is %s', (seconds, words) => expect(ago(before(seconds), NOW)).toBe(words));

  it('says nothing of what is no time', () => expect(ago('yesterday')).toBe(''));

  it.each([
    [4, '0:04'],
    [109, '1:49'],
    [7387, '2:03:07'],
    [3 * 86400, '3 days']
  ])('%d seconds last %s', (seconds, words) => expect(duration(seconds)).toBe(words));

  it.each([
    [0.2, 'under 1 s'],
    [1, '1 s'],
    [120, '2 min'],
    [7300, '2 h'],
    [200_000, '2 days']
  ])('a span of %d seconds is %s', (seconds, words) => expect(span(seconds)).toBe(words));

  it.each([
    [0, 'under 0.1 s'],
    [0.25, '0.3 s'],
    [0.94, '0.9 s'],
    [0.96, '1 s'],
    [59.4, '59 s'],
    [59.6, '1:00'],
    [192, '3:12'],
    [200_000, '2 days']
  ])('what ended after %d seconds took %s', (seconds, words) => expect(took(seconds)).toBe(words));
});

describe('text', () => {
  it('folds to one line and cuts whole characters', () => {
    expect(line('a\n\t b')).toBe('a b');
    expect(line('😀'.repeat(10), 4)).toBe('😀😀😀…');
  });

  it('takes the marks off Markdown and leaves the words', () => {
    expect(plain('# The *best* `code` of [us](https://x.y) <b>all</b>')).toBe(
      'The best code of us all'
    );
    expect(plain('snake_case_name and 2 * 3 * 4')).toBe('snake_case_name and 2 * 3 * 4');
  });
});

describe('summaries', () => {
  it.each([
    ['table', { rows: 16, column_count: 4 }, '16 rows × 4 columns'],
    ['table', { rows: 1, column_count: 1 }, '1 row × 1 column'],
    ['table', {}, 'Table'],
    ['image', { media: 'image/png', width: 1200, height: 800 }, 'PNG 1,200 × 800'],
    ['image', { url: 'https://example.org/a.png' }, 'https://example.org/a.png'],
    ['markdown', { title: 'January', size: 1400 }, 'January · 1.4 kB'],
    ['link', { url: 'https://example.org', text: 'Raw' }, 'Raw'],
    ['display', { title: 'altair.Chart', size: 3873 }, 'altair.Chart · 3.9 kB'],
    ['unheard-of', {}, 'unheard-of']
  ])('%s %o: %s', (type, info, words) => expect(summary(record({ type, info }))).toBe(words));

  it('says how a bar stands', () => {
    const info = {
      state: 'running',
      done: 157,
      total: 365,
      unit: 'days',
      rate: 2,
      started: before(80).toISOString()
    };
    const running = record({ type: 'progress', data: 43.01, info, updated: NOW.toISOString() });
    expect(summary(running, NOW)).toBe('43 % · 157 of 365 days · 2 min left');
    const broken = { ...info, state: 'interrupted', message: 'kernel died' };
    expect(summary(record({ type: 'progress', data: 71, info: broken }), NOW)).toBe(
      'interrupted at 71 % · kernel died'
    );
  });

  it('names what has no key', () =>
    expect(title(record({ key: null, type: 'table' }))).toBe('Table without a key'));

  it('is not misled by members that are no words', () => {
    expect(summary(record({ type: 'markdown', info: { title: { evil: 1 }, size: 'big' } }))).toBe(
      'Markdown'
    );
    expect(summary(record({ type: 'constructor', info: {} }))).toBe('constructor');
  });
});

it('text from right to left keeps to itself among the words beside it', () => {
  const markdown = (title: string): string =>
    summary(record({ type: 'markdown', info: { title, size: 151 } }));
  expect(markdown('תקציר')).toBe('\u2068תקציר\u2069 · 151 B');
  expect(markdown('Summary')).toBe('Summary · 151 B');
});
