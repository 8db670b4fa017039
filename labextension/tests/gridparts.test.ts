import { beforeEach, describe, expect, it } from 'vitest';
import { ALL } from '../src/rows';
import { filterOf } from '../src/views/grid/filters';
import { MOST_HEIGHT, Scroll, inView, placed } from '../src/views/grid/geometry';
import { between, step, tsv } from '../src/views/grid/keys';
import { percent, summaryWords } from '../src/views/grid/spark';
import {
  FRESH,
  begun,
  filterBy,
  filterWords,
  keep,
  shownFields,
  sortBy
} from '../src/views/grid/state';
import { firstChart } from '../src/views/grid/charted';
import { Formats } from '../src/views/grid/widths';
import type { Column } from '../src/wire';

const column = (name: string, kind: Column['kind'], more: Partial<Column> = {}): Column => ({
  name,
  field: name,
  dtype: '',
  kind,
  index: false,
  nulls: 0,
  ...more
});

describe('scrolling', () => {
  const TOTAL = 24 * 10_000_000;
  const ROOM = 400;

  it('is the browser’s own where the table is no taller than an element can be', () => {
    const scroll = new Scroll(24_000, ROOM);
    expect([scroll.height, scroll.moved(120), scroll.top, scroll.shift]).toEqual([
      24_000,
      null,
      120,
      0
    ]);
  });

  it('goes in proportion by the scroll bar and row by row by the wheel', () => {
    const scroll = new Scroll(TOTAL, ROOM);
    expect(scroll.height).toBe(MOST_HEIGHT);
    scroll.moved(MOST_HEIGHT / 2);
    const middle = scroll.top;
    expect(Math.abs(middle - TOTAL / 2)).toBeLessThan(10_000);
    scroll.moved(MOST_HEIGHT / 2 + 100);
    expect(scroll.top).toBe(middle + 100);
    const back = scroll.settled();
    expect(back).not.toBeNull();
    expect(scroll.top).toBe(middle + 100);
    expect(scroll.settled()).toBeNull();
  });

  it('reaches the first and the last row', () => {
    const scroll = new Scroll(TOTAL, ROOM);
    scroll.moved(MOST_HEIGHT - ROOM);
    expect(scroll.top).toBe(TOTAL - ROOM);
    expect(scroll.to(TOTAL)).toBe(MOST_HEIGHT - ROOM);
    expect(scroll.to(-5)).toBe(0);
    scroll.to(TOTAL - ROOM - 50);
    scroll.moved(MOST_HEIGHT - ROOM);
    expect(scroll.top).toBe(TOTAL - ROOM);
  });

  it('moves the bar back when it comes to its end before the rows do', () => {
    const scroll = new Scroll(TOTAL, ROOM);
    scroll.to(50_000);
    const bar = [1500, 1000, 500, 0].map(real => scroll.moved(real));
    expect(bar.slice(0, 3)).toEqual([null, null, null]);
    expect(bar[3]).toBeGreaterThan(1000);
    expect(scroll.top).toBeGreaterThan(47_000);
  });
});

describe('columns', () => {
  const fields = Array.from({ length: 100 }, (_, at) => `c${at}`);
  const lay = (room: number, pinned: string[] = []): ReturnType<typeof placed> =>
    placed(
      fields,
      pinned,
      () => 100,
      () => false,
      room
    );

  it('are drawn where they are in sight, few of them always', () => {
    const [from, to] = inView(lay(500), 5000, 500);
    expect([from <= 50, to >= 55, to - from < 30]).toEqual([true, true, true]);
    expect(inView(lay(500).slice(0, 10), 5000, 500)).toEqual([0, 10]);
    expect(inView(lay(500, ['c0']), 0, 500)[0]).toBe(1);
  });

  it('share the room that is left, and are pinned where that leaves some', () => {
    const two = placed(
      ['a', 'b'],
      ['a'],
      () => 50,
      field => field === 'a',
      203
    );
    expect(two.map(({ width, pinned }) => [width, pinned])).toEqual([
      [50, true],
      [153, false]
    ]);
    expect(
      placed(
        ['a'],
        ['a'],
        () => 90,
        () => true,
        100
      )[0]?.pinned
    ).toBe(false);
  });

  it('come in the order chosen, new ones after their neighbour, pinned ones first', () => {
    const state = { ...FRESH, order: ['c', 'a', 'gone'], hidden: ['d'], pinned: ['b'] };
    expect(shownFields(['a', 'b', 'c', 'd', 'e'], state)).toEqual(['b', 'c', 'e', 'a']);
  });
});

describe('keys', () => {
  const extent = { rows: 100, columns: 5, page: 10, rtl: false };
  const press = (key: string, row: number, at: number, far = false): unknown =>
    step({ key, ctrlKey: far, metaKey: false }, { row, column: at }, extent);

  it('lead to cells, not beyond the last', () => {
    expect(press('ArrowDown', 99, 0)).toEqual({ row: 99, column: 0 });
    expect(press('ArrowUp', 0, 2)).toEqual({ row: -1, column: 2 });
    expect(press('ArrowUp', 50, 2, true)).toEqual({ row: 0, column: 2 });
    expect(press('PageDown', 95, 1)).toEqual({ row: 99, column: 1 });
    expect(press('End', 3, 1, true)).toEqual({ row: 99, column: 4 });
    expect(press('a', 3, 1)).toBeNull();
    expect(
      step(
        { key: 'ArrowLeft', ctrlKey: false, metaKey: false },
        { row: 0, column: 0 },
        { ...extent, rtl: true }
      )
    ).toEqual({ row: 0, column: 1 });
  });

  it('choose rectangles, copied as spreadsheets take them', () => {
    expect(between({ row: 5, column: 3 }, { row: 2, column: 4 })).toEqual({
      top: 2,
      bottom: 5,
      left: 3,
      right: 4
    });
    expect(
      tsv([
        ['a', 'b\tc'],
        ['say "x"', '']
      ])
    ).toBe('a\t"b\tc"\n"say ""x"""\t');
  });
});

describe('the state', () => {
  beforeEach(() => sessionStorage.clear());

  it('sorts up, down and no longer, by several in their order', () => {
    const a = sortBy([], 'a', false);
    expect(a).toEqual([{ field: 'a', descending: false }]);
    expect(sortBy(sortBy(a, 'a', false), 'a', false)).toEqual([]);
    const both = sortBy(a, 'b', true);
    expect(sortBy(both, 'a', true).map(key => `${key.field}${key.descending ? '-' : '+'}`)).toEqual(
      ['a-', 'b+']
    );
    expect(sortBy(both, 'c', false)).toEqual([{ field: 'c', descending: false }]);
  });

  it('is kept for the tab, without what the table no longer has', () => {
    keep('k', {
      ...FRESH,
      hidden: ['b', 'gone'],
      view: { ...ALL, sort: [{ field: 'gone', descending: true }], q: 'x' }
    });
    const columns = [column('a', 'text', { index: true }), column('b', 'number')];
    expect(begun('k', columns)).toMatchObject({
      hidden: ['b'],
      pinned: [],
      view: { sort: [], q: 'x' }
    });
    expect(begun('other', columns).pinned).toEqual(['a']);
    sessionStorage.setItem('nb-artifacts:grid:k', '{"view": {"filter": 3}}');
    expect(begun('k', columns).hidden).toEqual([]);
  });

  it('has one set of conditions a column, which say what they are', () => {
    const one = { column: 'a', op: 'null' } as const;
    expect(filterBy([one, { column: 'b', op: 'not_null' }], 'a', [])).toEqual([
      { column: 'b', op: 'not_null' }
    ]);
    const words = (filter: Parameters<typeof filterWords>[0]): string =>
      filterWords(filter, String);
    expect(words({ column: 'a', op: 'range', min: 1, max: 2 })).toBe('from 1 to 2');
    expect(words({ column: 'a', op: 'in', values: [1, 2, 3, 4, 5] })).toBe('is 1, 2, 3 or 2 more');
  });

  it('reads conditions as people write numbers, and says what is none', () => {
    const draft = {
      min: '1,234.5',
      max: '9007199254740993',
      contains: '',
      values: [],
      nulls: 'any'
    } as const;
    const number = column('n', 'number');
    expect(filterOf({ ...draft, values: [] }, number)).toEqual([
      { column: 'n', op: 'range', min: 1234.5, max: '9007199254740993' }
    ]);
    expect(filterOf({ ...draft, values: [], min: 'ten' }, number)).toBe('“ten” is no number.');
    for (const wrong of ['1,5', '12,34', '1,2345', '1,234,5']) {
      expect(filterOf({ ...draft, values: [], min: wrong }, number)).toBe(
        `“${wrong}” is no number.`
      );
    }
    expect(filterOf({ ...draft, values: [], min: '2013', max: ' ' }, column('t', 'time'))).toEqual([
      { column: 't', op: 'range', min: '2013', max: null }
    ]);
  });

  it('draws what is measured over what it is counted by', () => {
    const names = (...all: string[]): Column[] => all.map(name => column(name, 'number'));
    expect(firstChart(names('epoch', 'loss', 'accuracy'))).toEqual({
      x: 'epoch',
      y: ['loss', 'accuracy']
    });
    expect(firstChart(names('user_id', 'a', 'b', 'c', 'd'))).toEqual({
      x: null,
      y: ['a', 'b', 'c']
    });
    expect(firstChart(names('id')).y).toEqual(['id']);
  });
});

describe('what is said of a column', () => {
  it('is as much as is known', () => {
    const summary = { field: 'n', nulls: 5, distinct: 3, min: 1, max: 9, mean: 4.5 };
    expect(summaryWords(summary, 10, String)).toEqual([
      'from 1 to 9',
      'mean 4.5',
      '3 different',
      '5 null (50 %)'
    ]);
    const texts = { field: 't', nulls: 0, distinct: 976_681, min: 'a', max: 'z' };
    const top = [{ value: 'a', count: 4 }];
    expect(summaryWords({ ...texts, top }, 10, String)).toEqual([
      'about 977,000 different',
      'most often a (40 %)',
      'no nulls'
    ]);
    const grades = { field: 'g', nulls: 0, distinct: 2, min: 'low', max: 'high' };
    const byOrder = [
      { value: 'low', count: 3 },
      { value: 'high', count: 7 }
    ];
    expect(summaryWords({ ...grades, top: byOrder }, 10, String)[1]).toBe('most often high (70 %)');
    expect([percent(0), percent(0.0001), percent(0.999), percent(1)]).toEqual([
      '0 %',
      '< 1 %',
      '> 99 %',
      '100 %'
    ]);
  });

  it('is wide enough for its numbers', () => {
    const formats = new Formats();
    const rows = column('row', 'number');
    expect(formats.learn(rows, [1, 2, 3])).toBe(true);
    const before = formats.width(rows, 1_000_000);
    formats.learn(
      rows,
      Array.from({ length: 60 }, (_, at) => at)
    );
    expect(formats.learn(rows, [123_456_789_012])).toBe(true);
    expect(formats.width(rows, 1_000_000)).toBeGreaterThan(before);
  });

  it('reads as suits all of its numbers once they are known', () => {
    const formats = new Formats();
    const rows = column('row', 'number');
    formats.learn(rows, [1, 2345]);
    expect(formats.of(rows)(2345)).toBe('2345');
    const summary = { field: 'row', nulls: 0, distinct: 5, min: 1, max: 999_999 };
    expect(formats.informed([rows], { whole: () => summary })).toBe(true);
    expect(formats.of(rows)(2345)).toBe('2,345');
    expect(formats.informed([rows], { whole: () => summary })).toBe(false);
  });
});
