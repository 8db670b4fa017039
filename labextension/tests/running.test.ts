import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { standing, summary } from '../src/format';
import { countWords, RunningModel, titleMark } from '../src/running/model';
import type { WireRecord } from '../src/wire';
import { record } from './records';
import { clientOf, Events, fakeLocks, json } from './server';

const NOW = new Date('2026-11-23T11:00:00Z');
const id = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;

function table(n: number, live: object | null, rows = 1240): WireRecord {
  return record({
    id: id(n),
    type: 'table',
    key: 'training',
    info: { rows, column_count: 3, live }
  });
}

function bar(n: number, state = 'running'): WireRecord {
  return record({ id: id(n), type: 'progress', data: 43, info: { state, done: 43, total: 100 } });
}

describe('the words of a live table', () => {
  it('are its rows and how it stands, until it is finished', () => {
    expect(summary(table(1, { state: 'running' }))).toBe('1,240 rows · running');
    const dead = { state: 'interrupted', error: 'kernel died' };
    expect(summary(table(1, dead))).toBe('1,240 rows · interrupted · kernel died');
    expect(standing(table(1, dead))).toEqual({
      words: 'interrupted · kernel died',
      broken: true
    });
    expect(standing(table(1, { state: 'running' }))?.broken).toBe(false);
    expect(standing(table(1, { state: 'finished' }))).toBeNull();
    expect(standing(bar(1, 'failed'))).toBeNull();
    expect(summary(table(1, { state: 'finished' }))).toBe('1,240 rows × 3 columns');
    expect(summary(table(1, null))).toBe('1,240 rows × 3 columns');
  });

  it('count apart from bars', () => {
    const running = { state: 'running' };
    expect(countWords([])).toBe('');
    expect(countWords([bar(1), bar(2)])).toBe('2 bars');
    expect(countWords([table(1, running), bar(2)])).toBe('1 bar, 1 live table');
    expect(titleMark([table(1, running)], NOW)).toBe('▶ ');
    expect(titleMark([table(1, running), bar(2)], NOW)).toBe('▶ 43 % ');
  });
});

describe('what runs', () => {
  beforeEach(() => void vi.stubGlobal('navigator', { ...navigator, locks: fakeLocks() }));
  afterEach(() => void vi.unstubAllGlobals());

  it('is bars and live tables, until they end or their writer is dead', async () => {
    const events = new Events();
    const stored: { [type: string]: WireRecord[] } = {
      progress: [bar(3), bar(1, 'finished')],
      table: [table(2, { state: 'running' }), table(4, { state: 'stopped' }), table(5, null)]
    };
    const { client, asked } = clientOf((path, body, signal) => {
      if (path === 'events') {
        return events.response(signal);
      }
      const [type = ''] = (body as { artifacts: { type: { any_: string[] } } }).artifacts.type.any_;
      return json(stored[type]);
    });
    const model = new RunningModel(client);
    const counted = vi.fn();
    model.counted.connect(counted);
    await vi.waitFor(() => expect(asked.join(' ')).toContain('events'));
    events.hello(5);
    await vi.waitFor(() => expect(model.items.map(one => one.id)).toEqual([id(2), id(3)]));
    expect(counted).toHaveBeenCalledTimes(1);
    events.changed({ ...table(2, { state: 'running' }, 1300), seq: 6 });
    await vi.waitFor(() => expect(model.items[0]?.info['rows']).toBe(1300));
    events.changed({ ...table(2, { state: 'interrupted', error: 'kernel died' }), seq: 7 });
    await vi.waitFor(() => expect(model.items.map(one => one.id)).toEqual([id(3)]));
    expect(counted).toHaveBeenCalledTimes(2);
    model.dispose();
  });
});
