import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { estimate, percentage, progressOf, silence } from '../src/progress';
import { mountProgress } from '../src/views/progress';
import type { WireRecord } from '../src/wire';
import cases from './eta.json';
import { record } from './records';
import { sourceOf } from './sources';

const NOW = new Date('2026-11-23T12:00:00Z');
const at = (seconds: number): string => new Date(NOW.getTime() + seconds * 1000).toISOString();

function bar(info: object, members: Partial<WireRecord> = {}): WireRecord {
  return record({
    type: 'progress',
    data: 43,
    updated: at(0),
    info: { started: at(-60), ...info },
    ...members
  });
}

describe('estimates', () => {
  const info = { state: 'running', done: 100, total: 300, rate: 2 };

  it('are the same for every viewer: what is left at the stored rate, less the time since', () => {
    expect(estimate(progressOf(bar(info)), NOW)).toEqual({ gone: 60, left: 100 });
    expect(estimate(progressOf(bar(info)), new Date(at(30)))).toEqual({ gone: 90, left: 70 });
    expect(estimate(progressOf(bar(info)), new Date(at(500))).left).toBe(0);
  });

  it('are those of Python, case by case', () => {
    for (const { started, told, now, left, ...info } of cases) {
      const shown = bar({ state: 'running', ...info, started: at(started) }, { updated: at(told) });
      const found = estimate(progressOf(shown), new Date(at(now))).left;
      expect(found, JSON.stringify(info)).toBe(left);
    }
  });

  it('take no text with a number in it for a time', () => {
    expect(Date.parse('<b x=1>')).not.toBeNaN();
    expect(estimate(progressOf(bar({ ...info, started: '<b x=1>' })), NOW).gone).toBeNull();
  });

  it('use the mean where no rate was measured, and say nothing where nothing tells', () => {
    expect(estimate(progressOf(bar({ ...info, rate: null })), NOW).left).toBe(120);
    expect(estimate(progressOf(bar({ ...info, rate: null, started: at(0) })), NOW).left).toBeNull();
    expect(estimate(progressOf(bar({ ...info, total: null })), NOW).left).toBeNull();
    expect(estimate(progressOf(bar({ ...info, rate: 0 })), NOW).left).toBeNull();
    expect(estimate(progressOf(bar({ ...info, rate: -1 })), NOW).left).toBeNull();
  });

  it('end with the bar', () => {
    const done = { ...info, state: 'finished', done: 300, ended: at(-10) };
    expect(estimate(progressOf(bar(done)), NOW)).toEqual({ gone: 50, left: null });
  });
});

describe('a percentage', () => {
  it.each([
    [29, 29],
    [57, 57],
    [99.96, 99],
    [0.9, 0],
    [100, 100]
  ])('of %d of 100 is %d', (data, whole) => {
    const { share } = progressOf(bar({ state: 'running', done: data, total: 100 }, { data }));
    expect(percentage(share ?? 0)).toBe(whole);
  });
});

describe('silence', () => {
  it('is told after half a minute, later for slow work, never for what has ended', () => {
    const info = { state: 'running', done: 1, total: 9 };
    expect(silence(progressOf(bar(info)), new Date(at(29)))).toBeNull();
    expect(silence(progressOf(bar(info)), new Date(at(120)))).toBe(120);
    expect(silence(progressOf(bar({ ...info, rate: 0.01 })), new Date(at(120)))).toBeNull();
    expect(silence(progressOf(bar({ ...info, state: 'failed' })), new Date(at(120)))).toBeNull();
  });
});

describe('records of other clients', () => {
  it('are read from the percentage alone', () => {
    expect(progressOf(record({ data: 43 }))).toMatchObject({
      state: 'running',
      share: 0.43,
      total: null
    });
    expect(progressOf(record({ data: 100 })).state).toBe('finished');
    expect(progressOf(record({ data: 150 })).share).toBe(1);
    expect(progressOf(record({ data: 'half' })).share).toBeNull();
    expect(
      progressOf(record({ data: 5, info: { state: 'constructor', total: 'x', rate: {} } })).state
    ).toBe('running');
  });
});

describe('the view', () => {
  beforeEach(() => void vi.useFakeTimers({ now: NOW }));
  afterEach(() => void vi.useRealTimers());

  function mounted(source: ReturnType<typeof sourceOf>): { track: Element; words: () => string } {
    const host = document.createElement('div');
    mountProgress(host, source, new AbortController().signal);
    const track = host.querySelector('[role=progressbar]') as Element;
    return { track, words: () => host.querySelector('.jp-nba-progress-words')?.textContent ?? '' };
  }

  it('moves with the record, and by itself while it runs', () => {
    const source = sourceOf(
      bar({ state: 'running', done: 129, total: 300, unit: 'days', rate: 2 })
    );
    const { track, words } = mounted(source);
    expect(track.getAttribute('aria-valuenow')).toBe('43');
    expect(words()).toBe('43 % · 129 of 300 days2 /s · 1:00 gone · 1:26 left');
    vi.advanceTimersByTime(5000);
    expect(words()).toContain('1:05 gone · 1:21 left');
    source.change({ data: 50, info: { ...source.record.info, done: 150 }, updated: at(5) });
    expect(track.getAttribute('aria-valuenow')).toBe('50');
    expect(track.getAttribute('aria-valuetext')).toContain('running, 50 % · 150 of 300 days');
    source.change({
      data: 71,
      info: { ...source.record.info, state: 'failed', error: 'ValueError: no', ended: at(6) }
    });
    expect(words()).toBe('failed at 71 % · ValueError: no');
    expect(track.getAttribute('aria-valuetext')).toBe('failed at 71 % · ValueError: no');
  });

  it('has no value while nobody knows the end', () => {
    const { track, words } = mounted(
      sourceOf(bar({ state: 'running', done: 12, total: null }, { data: 0 }))
    );
    expect(track.hasAttribute('aria-valuenow')).toBe(false);
    expect(words()).toBe('12 done1:00 gone');
  });
});
