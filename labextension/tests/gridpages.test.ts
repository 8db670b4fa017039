import { describe, expect, it, vi } from 'vitest';
import { ALL } from '../src/rows';
import type { Page, Rows, RowsQuery } from '../src/rows';
import { BLOCK, Pages } from '../src/views/grid/pages';

describe('pages', () => {
  interface Asked {
    query: RowsQuery;
    signal: AbortSignal;
    answer(rows?: number): void;
    fail(): void;
  }

  function pagesOf(total: number): {
    pages: Pages;
    asked: Asked[];
    changed: ReturnType<typeof vi.fn>;
  } {
    const asked: Asked[] = [];
    const changed = vi.fn();
    const rows: Rows = {
      whole: true,
      formats: [],
      rows: (query, signal) =>
        new Promise<Page>((resolve, reject) => {
          asked.push({
            query,
            signal,
            answer: (rows = total) => {
              const length = Math.max(0, Math.min(BLOCK, rows - query.offset));
              const cells = [Array.from({ length }, (_, at) => query.offset + at)];
              resolve({
                columns: [
                  { name: 'n', field: 'n', dtype: '', kind: 'number', index: false, nulls: 0 }
                ],
                cells,
                rows,
                total
              });
            },
            fail: () => reject(new Error('broken'))
          });
        }),
      summary: () => Promise.reject(new Error()),
      export: () => Promise.reject(new Error())
    };
    return {
      pages: new Pages({ fields: ['n'], rows, view: ALL, total, changed, patience: 0 }),
      asked,
      changed
    };
  }

  const turn = (): Promise<void> => new Promise(resolve => setTimeout(resolve));

  it('ask for blocks in sight, then for the next, and take back what is no longer wanted', async () => {
    const { pages, asked } = pagesOf(10_000);
    pages.want(0, 30, [0]);
    pages.want(5000, 5030, [0]);
    expect(asked.map(({ query, signal }) => [query.offset, signal.aborted])).toEqual([
      [0, true],
      [5000, false]
    ]);
    asked[1]?.answer();
    await turn();
    expect([pages.cell(5010, 0), pages.cell(0, 0)]).toEqual([5010, undefined]);
    pages.want(5120, 5150, [0]);
    expect(asked[2]?.query.offset).toBe(5200);
  });

  it('keep the cells of the old view until the first new ones are here', async () => {
    const { pages, asked } = pagesOf(1000);
    pages.want(0, 30, [0]);
    asked[0]?.answer();
    await turn();
    pages.show({ ...ALL, q: 'x' });
    expect([pages.stale, pages.cell(3, 0), pages.rowCount]).toEqual([true, 3, 1000]);
    asked[1]?.answer(7);
    await turn();
    expect([pages.stale, pages.cell(8, 0), pages.rowCount, pages.total]).toEqual([
      false,
      undefined,
      7,
      1000
    ]);
  });

  it('do not take an answer to an older question', async () => {
    const { pages, asked } = pagesOf(1000);
    pages.want(0, 30, [0]);
    pages.show({ ...ALL, q: 'x' });
    asked[0]?.answer(1000);
    asked[1]?.answer(2);
    await turn();
    expect(pages.rowCount).toBe(2);
  });

  it('stop at an error until they are told to go on', async () => {
    const { pages, asked } = pagesOf(1000);
    pages.want(0, 30, [0]);
    asked[0]?.fail();
    await turn();
    expect(pages.error).toBe('broken');
    pages.want(300, 330, [0]);
    expect(asked.length).toBe(1);
    pages.retry();
    expect([pages.error, asked[1]?.query.offset]).toEqual([null, 200]);
  });

  it('forget what was used longest ago', async () => {
    const { pages, asked } = pagesOf(1_000_000);
    for (let block = 0; block < 130; block += 1) {
      pages.want(block * BLOCK, block * BLOCK + 10, [0]);
      asked.at(-1)?.answer();
      await turn();
    }
    expect([pages.cell(0, 0), pages.cell(129 * BLOCK, 0)]).toEqual([undefined, 129 * BLOCK]);
  });
});
