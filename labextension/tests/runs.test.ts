import { describe, expect, it } from 'vitest';
import { drawRuns, runsOf, speeds } from '../src/views/runs';
import type { WireRecord } from '../src/wire';
import { record } from './records';

const NOW = new Date('2026-11-23T12:00:00Z');

function run(version: number, info: { [name: string]: unknown } = {}): WireRecord {
  const started = `2026-11-23T11:0${version}:00Z`;
  return record({
    id: `01a20ce3-9500-746c-94e0-7cc76834300${version}`,
    created: started,
    type: 'progress',
    version,
    data: 100,
    info: {
      state: 'finished',
      done: 10,
      total: 10,
      unit: 'files',
      started,
      ended: `2026-11-23T11:0${version + 1}:00Z`,
      curve: [
        [0, 0],
        [30, 2],
        [60, 10]
      ],
      ...info
    }
  });
}

function drawn(versions: WireRecord[], shown: WireRecord): HTMLElement {
  const host = document.createElement('section');
  drawRuns(host, versions, shown, NOW);
  return host;
}

function labels(host: HTMLElement): (string | null)[] {
  return [...host.querySelectorAll('[role="img"]')].map(each => each.getAttribute('aria-label'));
}

describe('the runs of a key', () => {
  it('are the one shown and those before it, newest first', () => {
    const versions = [4, 3, 2, 1].map(version => run(version));
    const found = runsOf(versions, versions[1] as WireRecord, NOW);
    expect(found.map(each => each.record.version)).toEqual([3, 2, 1]);
    expect(found.map(each => each.seconds)).toEqual([60, 60, 60]);
  });

  it('are nothing where there is one, and no curve', () => {
    const only = run(1, { curve: undefined });
    expect(drawn([only], only).hidden).toBe(true);
    expect(drawn([record()], record()).hidden).toBe(true);
  });

  it('are told in words', () => {
    const host = drawn(
      [run(1)],
      run(2, {
        state: 'running',
        done: 5,
        ended: null,
        curve: [
          [0, 0],
          [30, 5]
        ]
      })
    );
    expect(host.hidden).toBe(false);
    expect(labels(host)).toEqual([
      'Done over time. this run: 50 % after 30 s; v1: 100 % after 60 s',
      'Speed over time. this run: 0.167 files/s on average after 30 s; v1: 0.167 files/s on average after 60 s'
    ]);
    expect([...host.querySelectorAll('tr')].map(row => row.textContent)).toEqual([
      'v258:00running',
      'v11:00finished'
    ]);
  });

  it('count where a total is not known', () => {
    const host = drawn([], run(1, { total: null }));
    expect(labels(host)[0]).toBe('Done over time. this run: 10 files after 60 s');
  });

  it('draw one line a run, this one on top', () => {
    const host = drawn([run(1)], run(2));
    const lines = [...host.querySelectorAll('svg')][0]?.querySelectorAll('polyline') ?? [];
    expect([...lines].map(line => line.getAttribute('data-run'))).toEqual(['earlier', 'this']);
    expect(lines[1]?.getAttribute('points')).toBe('0.00,100.00 50.00,80.80 100.00,4.00');
  });

  it('survive whatever a record says', () => {
    for (const curve of [
      'x',
      [1, 2],
      [[0]],
      [['a', 'b']],
      [[Infinity, 1]],
      [
        [5, 1],
        [4, 2],
        [5, 3]
      ],
      null
    ]) {
      const host = drawn([run(1)], run(2, { curve, total: 0, unit: '<b>&' }));
      expect(host.querySelector('b')).toBeNull();
      expect(host.innerHTML).not.toMatch(/NaN|Infinity|undefined/);
    }
  });
});

describe('speeds', () => {
  it('are means between points', () => {
    expect(
      speeds([
        [0, 0],
        [10, 20],
        [20, 20]
      ])
    ).toEqual([
      [10, 2],
      [20, 0]
    ]);
    expect(speeds([])).toEqual([]);
  });
});
