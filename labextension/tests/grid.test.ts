import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Page, Rows, RowsQuery } from '../src/rows';
import { mountTable } from '../src/views/table';
import type { Column } from '../src/wire';
import { record } from './records';
import { sourceOf } from './sources';
import type { TestSource } from './sources';

function column(name: string, kind: Column['kind'], more: Partial<Column> = {}): Column {
  return { name, field: name, dtype: '', kind, index: false, nulls: 0, ...more };
}

const COLUMNS = [column('n', 'number'), column('t', 'text', { nulls: 1 })];

function tableRecord(
  rows: number,
  rowCount = rows,
  columns = COLUMNS
): Parameters<typeof record>[0] {
  const data = Array.from({ length: rows }, (_, n) => ({ n, t: n === 0 ? null : `row ${n}` }));
  const info = { rows: rowCount, column_count: columns.length, columns };
  return { type: 'table', key: 'flights', info, data: JSON.stringify(data) };
}

interface Mounted {
  host: HTMLElement;
  source: TestSource;
  names(): (string | null)[];
  cells(at: number): (string | null)[];
  press(key: string, more?: KeyboardEventInit): void;
  click(text: string): void;
}

async function mounted(members: Parameters<typeof record>[0], rows?: Rows): Promise<Mounted> {
  const host = document.createElement('div');
  document.body.replaceChildren(host);
  const source = sourceOf(record(members), rows ? { rows } : {});
  await mountTable(host, source, new AbortController().signal);
  await settled();
  const all = (selector: string): HTMLElement[] => [
    ...host.querySelectorAll<HTMLElement>(selector)
  ];
  return {
    host,
    source,
    names: () => all('[role=columnheader] bdi').map(node => node.textContent),
    cells: at =>
      all(`.jp-nba-rows [role=row] [aria-colindex="${at}"]`).map(node => node.textContent),
    press: (key, more = {}) =>
      void (document.activeElement as HTMLElement).dispatchEvent(
        new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more })
      ),
    click(text) {
      const found = [...document.querySelectorAll<HTMLElement>('button')].find(
        node => node.textContent === text || node.title.startsWith(text)
      );
      expect(found, text).toBeDefined();
      found?.click();
    }
  };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn += 1) {
    await new Promise(resolve => setTimeout(resolve, 0));
  }
}

/** A server of `total` rows, which notes what it was asked. */
function server(total: number): Rows & { asked: RowsQuery[]; fail: string | null } {
  return {
    whole: true,
    formats: ['csv', 'parquet', 'json', 'markdown'],
    asked: [],
    fail: null,
    rows(query) {
      this.asked.push(query);
      if (this.fail !== null) {
        return Promise.reject(new Error(this.fail));
      }
      const some = query.q ? Math.min(total, 3) : total;
      const length = Math.max(0, Math.min(query.limit, some - query.offset));
      const numbers = Array.from({ length }, (_, at) => query.offset + at);
      const page: Page = {
        columns: COLUMNS,
        cells: [numbers, numbers.map(n => `server ${n}`)],
        rows: some,
        total
      };
      return Promise.resolve(page);
    },
    summary: () => Promise.resolve({ rows: total, total, columns: [] }),
    export: () => Promise.resolve(new Blob(['file']))
  };
}

beforeEach(() => sessionStorage.clear());

describe('the grid', () => {
  it('is a grid for assistive technology, of all rows, with few in the page', async () => {
    const { host } = await mounted(tableRecord(5000));
    const grid = host.querySelector('[role=grid]');
    expect(grid?.getAttribute('aria-rowcount')).toBe('5001');
    expect(grid?.getAttribute('aria-colcount')).toBe('2');
    const rows = host.querySelectorAll('.jp-nba-rows [role=row]');
    expect(rows.length).toBeLessThan(200);
    expect(rows[0]?.getAttribute('aria-rowindex')).toBe('2');
    expect(host.querySelectorAll('[role=gridcell][tabindex="0"]').length).toBe(1);
    expect(host.querySelector('.jp-nba-null')?.textContent).toBe('null');
    expect(host.textContent).toContain('5,000 rows × 2 columns');
  });

  it('sorts by a click on a name, back by the next, and by several with Shift', async () => {
    const { host, cells } = await mounted(tableRecord(30));
    const name = (at: number): HTMLElement =>
      host.querySelectorAll<HTMLElement>('[role=columnheader] .jp-nba-column')[at] as HTMLElement;
    const sort = (at: number): string | null | undefined =>
      name(at).closest('[role=columnheader]')?.getAttribute('aria-sort');
    name(1).click();
    await settled();
    expect([cells(2)[0], cells(2)[1], sort(1)]).toEqual(['row 1', 'row 2', 'ascending']);
    name(1).click();
    await settled();
    expect([cells(2)[0], sort(1)]).toEqual(['row 29', 'descending']);
    name(0).dispatchEvent(new MouseEvent('click', { shiftKey: true, bubbles: true }));
    await settled();
    expect([sort(0), sort(1)]).toEqual(['ascending', 'descending']);
    name(0).click();
    name(0).click();
    await settled();
    expect([sort(0), sort(1), cells(1)[0]]).toEqual(['none', 'none', '0']);
  });

  it('does not sort what is only a beginning', async () => {
    const { host } = await mounted(tableRecord(30, 1000));
    expect(host.querySelector('button.jp-nba-column')).toBeNull();
    expect(host.textContent).toContain('first 30 of 1,000 rows × 2 columns');
  });

  it('moves by keys, into the header and back', async () => {
    const { host, press } = await mounted(tableRecord(3000));
    host.querySelector<HTMLElement>('[role=gridcell]')?.focus();
    press('ArrowDown');
    press('ArrowRight');
    expect(document.activeElement?.textContent).toBe('row 1');
    press('Home');
    expect(document.activeElement?.textContent).toBe('1');
    press('End', { ctrlKey: true });
    await settled();
    expect(document.activeElement?.textContent).toBe('row 2999');
    press('Home', { ctrlKey: true });
    press('ArrowUp');
    expect(document.activeElement?.classList.contains('jp-nba-column')).toBe(true);
    press('ArrowDown');
    expect(document.activeElement?.textContent).toBe('0');
  });

  it('shows a whole cell by Enter and hides it by Escape', async () => {
    const { host, press } = await mounted(tableRecord(3));
    host.querySelector<HTMLElement>('[role=gridcell]')?.focus();
    press('ArrowRight');
    press('ArrowDown');
    press('Enter');
    const detail = host.querySelector<HTMLElement>('.jp-nba-detail');
    expect([detail?.hidden, detail?.querySelector('pre')?.textContent]).toEqual([false, 'row 1']);
    press('Escape');
    expect(detail?.hidden).toBe(true);
  });

  it('copies the chosen cells as a spreadsheet takes them', async () => {
    const { host, press } = await mounted(tableRecord(5));
    host.querySelector<HTMLElement>('[role=gridcell]')?.focus();
    press('ArrowRight', { shiftKey: true });
    press('ArrowDown', { shiftKey: true });
    expect(host.querySelectorAll('[aria-selected=true]').length).toBe(4);
    const set = vi.fn();
    const event = new Event('copy', { bubbles: true, cancelable: true });
    Object.assign(event, { clipboardData: { setData: set } });
    document.activeElement?.dispatchEvent(event);
    expect(set).toHaveBeenCalledWith('text/plain', '0\t\n1\trow 1');
    expect(host.textContent).toContain('Copied 2 × 2 cells');
  });

  it('finds, and says so when nothing is found', async () => {
    const { host, cells, click } = await mounted(tableRecord(30));
    click('Search');
    const box = host.querySelector<HTMLInputElement>('input[type=search]') as HTMLInputElement;
    const find = async (text: string): Promise<void> => {
      box.value = text;
      box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
      await settled();
    };
    await find('row 2');
    expect(cells(1)).toEqual(['2', ...Array.from({ length: 10 }, (_, at) => String(20 + at))]);
    expect(host.textContent).toContain('11 of 30 rows');
    await find('nowhere');
    expect(host.querySelector('.jp-nba-none')?.textContent).toContain('No rows match.');
    click('Show all rows');
    await settled();
    expect(host.textContent).toContain('30 rows × 2 columns');
  });

  it('filters by a column’s menu and shows the condition', async () => {
    const { host, cells, click } = await mounted(tableRecord(30));
    host.querySelector<HTMLElement>('.jp-nba-more')?.click();
    const from = document.querySelector<HTMLInputElement>('[aria-label=from]') as HTMLInputElement;
    from.value = '27';
    from.dispatchEvent(new Event('input'));
    await vi.waitFor(() => expect(cells(1)).toEqual(['27', '28', '29']));
    expect(host.querySelector('.jp-nba-chip')?.textContent).toBe('n ≥ 27 ×');
    click('Take this condition off');
    await settled();
    expect(cells(1)[0]).toBe('0');
  });

  it('hides, moves and pins columns, and keeps that for the key', async () => {
    const first = await mounted(tableRecord(3));
    const menu = (at: number): void =>
      first.host.querySelectorAll<HTMLElement>('.jp-nba-more')[at]?.click();
    menu(0);
    first.click('Move towards the end');
    expect(first.names()).toEqual(['t', 'n']);
    menu(0);
    first.click('Hide this column');
    expect(first.names()).toEqual(['n']);
    expect(first.host.textContent).toContain('Columns 1/2');
    const second = await mounted(tableRecord(3));
    expect(second.names()).toEqual(['n']);
  });

  it('shows columns named as the prototype’s members', async () => {
    const names = ['__proto__', 'constructor', 'toString'];
    const columns = names.map(name => column(name, 'text'));
    const data = '[{"__proto__": "p", "constructor": "c", "toString": "t"}]';
    const { host, cells } = await mounted({
      type: 'table',
      info: { rows: 1, column_count: 3, columns },
      data
    });
    expect([cells(1), cells(2), cells(3)]).toEqual([['p'], ['c'], ['t']]);
    host.querySelectorAll<HTMLElement>('.jp-nba-column')[0]?.click();
    await settled();
    expect(cells(1)).toEqual(['p']);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('says so when there is nothing', async () => {
    const none = await mounted(tableRecord(0));
    expect(none.host.querySelector('.jp-nba-none')?.textContent).toBe('No rows.');
    const bare = await mounted({ type: 'table', info: { rows: 3, column_count: 0 }, data: '[]' });
    expect(bare.host.textContent).toBe('This table has 3 rows, but no columns.');
  });
});

describe('rows of a server', () => {
  it('come in blocks as they are in sight, after those of the record', async () => {
    const rows = server(1_000_000);
    const { host, cells, press } = await mounted(tableRecord(300, 1_000_000), rows);
    expect(cells(2)[1]).toBe('row 1');
    expect(rows.asked).toEqual([]);
    host.querySelector<HTMLElement>('[role=gridcell]')?.focus();
    press('End', { ctrlKey: true });
    await vi.waitFor(() => expect(document.activeElement?.textContent).toBe('server 999999'));
    expect(rows.asked.map(({ offset, limit }) => [offset, limit])).toEqual([[999_800, 200]]);
    expect(host.querySelectorAll('.jp-nba-rows [role=row]').length).toBeLessThan(200);
  });

  it('are asked for in another order, the old ones shown until they come', async () => {
    const rows = server(1_000_000);
    const { host, cells } = await mounted(tableRecord(300, 1_000_000), rows);
    host.querySelectorAll<HTMLElement>('.jp-nba-column')[1]?.click();
    expect(cells(2)[1]).toBe('row 1');
    await vi.waitFor(() => expect(cells(2)[1]).toBe('server 1'));
    expect(rows.asked[0]?.sort).toEqual([{ field: 't', descending: false }]);
  });

  it('that do not come are an error with a way to try again', async () => {
    const rows = server(1000);
    rows.fail = 'The file is damaged.';
    const { host, click, press } = await mounted(tableRecord(10, 1000), rows);
    const alert = host.querySelector<HTMLElement>('[role=alert]');
    await vi.waitFor(() => expect(alert?.textContent).toContain('The file is damaged.'));
    expect(host.textContent).toContain('1,000 rows');
    rows.fail = null;
    click('Try again');
    await vi.waitFor(() => expect(alert?.hidden).toBe(true));
    host.querySelector<HTMLElement>('[role=gridcell]')?.focus();
    press('End', { ctrlKey: true });
    await vi.waitFor(() => expect(document.activeElement?.textContent).toBe('server 999'));
  });
});

describe('a live table', () => {
  it('follows, and stays at the end if it was there', async () => {
    let total = 1000;
    const rows = server(0);
    rows.rows = query => server(total).rows(query, new AbortController().signal);
    const members = tableRecord(1000);
    const live = (n: number): object => ({
      info: { ...members?.info, rows: n, live: { state: 'running', rows: n } },
      blob: { sha256: `x${n}`, size: 1, media: '' }
    });
    const { host, source, press } = await mounted({ ...members, ...live(1000) }, rows);
    host.querySelector<HTMLElement>('[role=gridcell]')?.focus();
    press('End', { ctrlKey: true });
    await settled();
    const box = host.querySelector('.jp-nba-grid-box') as HTMLElement;
    const before = box.scrollTop;
    total = 2000;
    source.change(live(2000));
    await vi.waitFor(() => expect(host.textContent).toContain('2,000 rows'));
    expect(box.scrollTop).toBe(before + 1000 * 24);
    press('Home', { ctrlKey: true });
    total = 2100;
    source.change(live(2100));
    await vi.waitFor(() => expect(host.textContent).toContain('2,100 rows'));
    expect(box.scrollTop).toBe(0);
  });
});
