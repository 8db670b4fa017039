import { describe, expect, it } from 'vitest';
import { GUESS } from '../src/diff';
import type { Diff, DiffAsk, ImageDiff, TableDiff } from '../src/diff';
import { mountDiff } from '../src/views/diff';
import { pixelWords } from '../src/views/diff/image';
import { matchedBy, matchedNote, toleranceOf } from '../src/views/diff/matching';

const SIDE = { id: 'a', key: 'flights', version: 1, type: 'table' };

function diffOf(more: Partial<Diff>): Diff {
  return { type: 'table', from: SIDE, to: { ...SIDE, id: 'b', version: 2 }, same: false, ...more };
}

const TABLE: TableDiff = {
  schema: [{ field: '__proto__', change: 'added', from: null, to: 'int64' }],
  keys: ['carrier'],
  keys_guessed: true,
  matched_by: 'guessed',
  keys_unique: true,
  rows_from: 10,
  rows_to: 10,
  added: 1,
  removed: 1,
  changed: 300,
  same: 8,
  columns: [
    {
      field: 'delay',
      changed: 300,
      nulls_from: 0,
      nulls_to: 2,
      mean_from: 1.5,
      mean_to: 2,
      min_from: 0,
      min_to: 0,
      max_from: 9,
      max_to: 9
    }
  ],
  rows: [
    {
      change: 'changed',
      key: { carrier: '<b>EV</b>' },
      cells: { delay: [19.838, null] },
      from: 0,
      to: 0
    },
    { change: 'added', key: { carrier: 'OO' }, cells: { delay: [null, 3] }, from: null, to: 4 },
    { change: 'removed', key: { carrier: 'XX' }, cells: { delay: [1, null] }, from: 5, to: null }
  ]
};

async function shown(diff: Diff, pages: Diff[] = []): Promise<HTMLElement> {
  const host = document.createElement('div');
  document.body.replaceChildren(host);
  const load = (_: DiffAsk, offset: number): Promise<Diff> =>
    Promise.resolve(offset === 0 ? diff : (pages.shift() ?? diffOf({})));
  const blob = (): Promise<Blob> => Promise.resolve(new Blob());
  await mountDiff(host, { load, blob }, new AbortController().signal);
  return host;
}

const text = (host: HTMLElement, selector: string): (string | null)[] =>
  [...host.querySelectorAll(selector)].map(node => node.textContent);

describe('two tables', () => {
  it('are told apart by counts, schema and rows with signs', async () => {
    const host = await shown(diffOf({ table: TABLE }));
    expect(text(host, '.jp-nba-diff-head')).toEqual(['v1 → v2']);
    expect(text(host, '.jp-nba-diff-counts > span')).toEqual([
      '+ 1 row added',
      '− 1 removed',
      '~ 300 changed',
      '8 the same',
      '1 schema change'
    ]);
    expect(text(host, '.jp-nba-diff-schema > li')).toEqual(['+ column __proto__ added (int64)']);
    expect(text(host, '.jp-nba-sign')).toEqual(['~', '+', '−']);
    expect(text(host, 'tbody tr:first-child del')).toContain('19.838');
    expect(host.querySelector('tbody b')).toBeNull();
    expect(host.textContent).toContain('Rows matched by carrier (guessed)');
  });

  it('show numbers in as many digits as tell them apart', async () => {
    const cells = { delay: [0.1 + 0.2, 0.3], price: [1, 0.32999999999999996] } as const;
    const host = await shown(
      diffOf({
        table: {
          ...TABLE,
          columns: TABLE.columns.map(one => ({
            ...one,
            mean_from: 6.42325,
            mean_to: 6.4234911094
          })),
          rows: [
            {
              change: 'changed',
              key: { carrier: 7 },
              cells: { delay: [...cells.delay], price: [...cells.price] },
              from: 0,
              to: 0
            }
          ]
        }
      })
    );
    expect(text(host, 'del')).toEqual(['6.42325', '0', '0.30000000000000004', '1']);
    expect(text(host, 'ins')).toEqual(['6.42349', '2', '0.3', '0.33']);
    expect(text(host, '[aria-label="Rows that changed"] th.jp-nba-number')).toEqual([
      'carrier',
      'delay',
      'price',
      '7'
    ]);
  });

  it('show more rows when asked', async () => {
    const next = diffOf({ table: { ...TABLE, rows: TABLE.rows.slice(1) } });
    const host = await shown(diffOf({ table: TABLE }), [next]);
    const more = [...host.querySelectorAll('button')].find(b => b.textContent === 'Show more');
    expect(host.textContent).toContain('3 of 302 rows that changed');
    more?.click();
    await Promise.resolve();
    await Promise.resolve();
    expect(host.textContent).toContain('5 of 302 rows that changed');
  });

  it('say how rows were matched', () => {
    const of = (more: Partial<TableDiff>): TableDiff => ({ ...TABLE, ...more });
    const place = of({ matched_by: 'position', keys: [] });
    expect([matchedBy(place), matchedNote(place)]).toEqual([
      'their place',
      'No column names them.'
    ]);
    expect(matchedBy(of({ matched_by: 'index', keys: ['a', 'b'] }))).toBe('a, b (the index)');
    expect(matchedBy(of({ matched_by: 'given', keys: [...'abcdef'] }))).toBe(
      'a, b, c, d and 2 more'
    );
    expect(matchedNote(of({ keys_unique: false }))).toContain('Some rows share a key');
  });
});

describe('the columns that match rows', () => {
  const asked: DiffAsk[] = [];
  let answer: (ask: DiffAsk) => Diff;

  async function mounted(ask?: DiffAsk): Promise<HTMLElement> {
    asked.length = 0;
    const host = document.createElement('div');
    document.body.replaceChildren(host);
    const load = (how: DiffAsk): Promise<Diff> => {
      asked.push(how);
      return Promise.resolve().then(() => answer(how));
    };
    const blob = (): Promise<Blob> => Promise.resolve(new Blob());
    await mountDiff(host, { ask, load, blob }, new AbortController().signal);
    return host;
  }

  const opened = (host: HTMLElement): HTMLElement => {
    host.querySelector<HTMLElement>('.jp-nba-diff-keys')?.click();
    return host.querySelector('.jp-nba-popover') as HTMLElement;
  };
  const tick = (box: HTMLElement, name: string): void =>
    [...box.querySelectorAll('label')].find(one => one.textContent === name)?.click();
  const pressed = async (box: HTMLElement, name: string): Promise<void> => {
    [...box.querySelectorAll('button')].find(one => one.textContent === name)?.click();
    await new Promise(resolve => setTimeout(resolve));
  };
  const tables = ({ keys }: DiffAsk): Diff =>
    diffOf({
      table:
        keys === null
          ? { ...TABLE, columns: [...TABLE.columns, { ...column, field: 'carrier' }] }
          : { ...TABLE, matched_by: 'given', keys: [...keys], columns: TABLE.columns }
    });
  const column = TABLE.columns[0] as TableDiff['columns'][number];

  it('can be chosen, several, and given back to a guess', async () => {
    answer = tables;
    const host = await mounted();
    let box = opened(host);
    expect(text(box, '.jp-nba-values bdi')).toEqual(['carrier', 'delay']);
    tick(box, 'delay');
    await pressed(box, 'Compare');
    expect(asked).toEqual([GUESS, { keys: ['carrier', 'delay'], tolerance: 0 }]);
    expect(host.textContent).toContain('Rows matched by carrier, delay ▾');
    expect(document.activeElement?.className).toContain('jp-nba-diff-keys');
    box = opened(host);
    await pressed(box, 'Guess');
    expect(asked[2]).toEqual(GUESS);
  });

  it('stay a guess where only the tolerance is changed, and it is kept', async () => {
    answer = how => (how.tolerance > 0 ? diffOf({ same: true, table: TABLE }) : tables(how));
    const host = await mounted();
    const box = opened(host);
    const input = box.querySelector<HTMLInputElement>('[inputmode=decimal]') as HTMLInputElement;
    input.value = 'much';
    await pressed(box, 'Compare');
    expect(text(box, '[role=alert]')).toEqual([
      'How much numbers may differ is a number of 0 or more.'
    ]);
    input.value = '0.5';
    await pressed(box, 'Compare');
    expect(asked[1]).toEqual({ keys: null, tolerance: 0.5 });
    expect(host.textContent).toContain('Numbers within 0.5 count as equal');
    expect(opened(host).querySelector<HTMLInputElement>('[inputmode=decimal]')?.value).toBe('0.5');
  });

  it('that one table does not have are told of, and other ones can be chosen', async () => {
    answer = how => {
      if (how.keys !== null) {
        throw new Error("'delay' is not a column of the first table.");
      }
      return tables(how);
    };
    let host = await mounted();
    const box = opened(host);
    tick(box, 'delay');
    await pressed(box, 'Compare');
    expect(host.textContent).toContain("'delay' is not a column of the first table.");
    expect(host.querySelector('.jp-nba-diff-keys')).not.toBeNull();
    host = await mounted({ keys: ['delay'], tolerance: 1 });
    await pressed(host, 'Guess the columns');
    expect(asked[1]).toEqual({ keys: null, tolerance: 1 });
    expect(host.textContent).toContain('Rows matched by carrier (guessed)');
  });

  it('take a tolerance of 0 or more', () => {
    expect(['', ' 0.25 ', '1e-9', '-1', 'x', 'Infinity'].map(toleranceOf)).toEqual([
      0,
      0.25,
      1e-9,
      null,
      null,
      null
    ]);
  });
});

describe('other types', () => {
  it('of equal content say so', async () => {
    const host = await shown(diffOf({ same: true }));
    expect(host.textContent).toContain('Nothing changed');
  });

  it('of text are lines with signs', async () => {
    const host = await shown(
      diffOf({
        text: {
          lines: [
            ['=', 'a'],
            ['-', '<i>b</i>'],
            ['+', 'c'],
            ['…', '12']
          ],
          added: 1,
          removed: 1,
          whole: false
        }
      })
    );
    expect(text(host, 'del, ins')).toEqual(['<i>b</i>', 'c']);
    expect(host.textContent).toContain('12 lines the same');
    expect(host.textContent).toContain('not every line');
  });

  it('of numbers have a line over the versions', async () => {
    const series = [1, 5, 2].map((value, at) => ({
      version: at + 1,
      value,
      state: null,
      seconds: null
    }));
    const host = await shown(diffOf({ number: { from: 5, to: 2, series } }));
    expect(host.textContent).toContain('5 → 2−3');
    expect(host.querySelector('polyline')?.getAttribute('points')?.split(' ')).toHaveLength(3);
  });

  it('of images say how many pixels differ', () => {
    const image: ImageDiff = {
      width: 10,
      height: 10,
      width_from: 10,
      height_from: 10,
      changed_pixels: 5,
      total_pixels: 100,
      difference: null
    };
    expect(pixelWords(image)).toBe('5 of 100 pixels differ (5 %).');
    expect(pixelWords({ ...image, changed_pixels: 0 })).toBe('Every pixel is the same.');
    expect(pixelWords({ ...image, width_from: 5 })).toContain('Now 10 × 10, before 5 × 10');
  });

  it('that cannot be compared say why, with a way to try again', async () => {
    const host = document.createElement('div');
    let fails = true;
    const load = (): Promise<Diff> =>
      fails
        ? Promise.reject(new Error('It took too long.'))
        : Promise.resolve(diffOf({ same: true }));
    const blob = (): Promise<Blob> => Promise.resolve(new Blob());
    await mountDiff(host, { load, blob }, new AbortController().signal);
    expect(host.textContent).toContain('It took too long.');
    fails = false;
    host.querySelector('button')?.click();
    await new Promise(resolve => setTimeout(resolve));
    expect(host.textContent).toContain('Nothing changed');
  });
});
