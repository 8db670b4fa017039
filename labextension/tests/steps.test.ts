import { describe, expect, it } from 'vitest';
import { titleMark } from '../src/running/model';
import { mountProgress, paceOf } from '../src/views/progress';
import { progressOf } from '../src/progress';
import { record } from './records';
import { sourceOf } from './sources';

const NOW = new Date('2026-11-23T11:01:00Z');
const started = '2026-11-23T11:00:00Z';

function bar(info: object, data: number) {
  return record({
    type: 'progress',
    data,
    info: { state: 'running', started, ...info },
    updated: NOW.toISOString()
  });
}

describe('steps', () => {
  const step = {
    name: 'load',
    state: 'finished',
    done: 3,
    total: 3,
    started,
    ended: NOW.toISOString()
  };

  it('are drawn as rows with their words, and change in place', () => {
    const host = document.createElement('div');
    const steps = [step, { name: 'fit', state: 'running', done: 1, total: 4, started, level: 2 }];
    const source = sourceOf(bar({ done: 1, total: 2, steps, hidden: 1200 }, 50));
    mountProgress(host, source, new AbortController().signal);
    const rows = [...host.querySelectorAll<HTMLElement>('.jp-nba-step')];
    expect(rows.map(row => row.textContent)).toEqual([
      '✓ 1,200 earlier',
      '✓load · finished in 1:00 · 3 done',
      expect.stringMatching(/^▸fit · 25 % · 1 of 4/)
    ]);
    expect(rows[2]?.style.paddingInlineStart).toBe('16px');
  });

  it('of another program are taken with care', () => {
    const host = document.createElement('div');
    const steps = [null, 7, { name: 3 }, { name: '<b>x</b>', state: 'toString', level: 1e9 }];
    mountProgress(host, sourceOf(bar({ done: 1, steps }, 0)), new AbortController().signal);
    expect(host.querySelectorAll('.jp-nba-step')).toHaveLength(1);
    expect(host.querySelector('b')).toBeNull();
  });
});

describe('words', () => {
  it('say what is usual until something better is known', () => {
    expect(paceOf(progressOf(bar({ done: 0, total: 9, usual: 840 }, 0)), NOW)).toContain(
      'usually 14 min'
    );
    const moving = progressOf(bar({ done: 3, total: 9, rate: 1, usual: 840 }, 33));
    expect(paceOf(moving, NOW)).toContain('0:06 left');
  });
});

describe('the mark in a title', () => {
  it('is of the bar that ends last', () => {
    const soon = bar({ done: 90, total: 100, rate: 10 }, 90);
    const late = bar({ done: 43, total: 100, rate: 1 }, 43);
    expect(titleMark([soon, late], NOW)).toBe('▶ 43 % ');
    expect(titleMark([bar({ done: 4 }, 0)], NOW)).toBe('▶ ');
    expect(titleMark([], NOW)).toBe('');
  });
});
