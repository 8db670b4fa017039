/** What the header and the line of tools show of a grid, and what the tools do to it. */

import type { Format } from '../../rows';
import { ALL } from '../../rows';
import { chartable, firstChart } from './charted';
import type { Grid } from './grid';
import type { HeadLook } from './head';
import { filterBy, filterWords, levels } from './state';
import type { ToolsActs, ToolsLook } from './tools';

/** With fewer rows a picture of a column says less than the column. */
export const PICTURES = 8;

/** Whether columns have pictures. */
export function pictured({ options, pages }: Grid): boolean {
  return options.rows.whole && Math.max(options.total, pages.total) >= PICTURES;
}

export function headLook(grid: Grid): HeadLook {
  const { state, summaries, pages, hands, shown, options } = grid;
  return {
    placed: grid.placed,
    columns: shown.map(field => grid.column(field)),
    sort: state.view.sort,
    filtered: new Set(state.view.filter.map(({ column }) => column)),
    summaries: summaries.columns,
    rows: summaries.columns.size > 0 ? summaries.rowCount : pages.total,
    total: pages.total,
    pictures: pictured(grid),
    sortable: options.rows.whole,
    active: hands.active.row < 0 ? hands.active.column : null,
    text: column => grid.formats.text(column)
  };
}

export function toolsLook(grid: Grid, busy: boolean): ToolsLook {
  const { pages, options, state } = grid;
  const { columns, rows, columnCount, seed } = options;
  return {
    rows: pages.rowCount,
    total: pages.total,
    reach: rows.whole ? null : (seed[0]?.length ?? 0),
    busy,
    columnCount,
    described: columns.filter(column => !column.index).length,
    fields: grid.fields,
    hidden: state.hidden,
    column: field => grid.column(field),
    filter: state.view.filter,
    words: filter => filterWords(filter, grid.formats.text(grid.column(filter.column))),
    q: state.view.q,
    wrap: state.wrap,
    chart: state.chart !== null,
    charts: rows.whole && pages.total > 1 && chartable(columns).length > 0,
    whole: rows.whole,
    formats: rows.formats
  };
}

export function toolsActs(grid: Grid): ToolsActs {
  return {
    search(q) {
      if (q !== grid.state.view.q) {
        grid.show({ ...grid.state.view, q });
      }
    },
    clear(field) {
      const { view } = grid.state;
      grid.show({ ...view, filter: field === null ? [] : filterBy(view.filter, field, []) });
    },
    hide(hidden) {
      grid.set({ hidden });
      grid.layout();
      grid.drawTools();
    },
    wrap() {
      const row = grid.scroll.top / grid.rowHeight;
      grid.set({ wrap: !grid.state.wrap });
      grid.layout();
      grid.scrolls.to(row * grid.rowHeight);
      grid.paint();
    },
    chart() {
      const { chart } = grid.state;
      grid.set({ chart: chart ? null : firstChart(grid.options.columns) });
      grid.charted.draw();
      grid.drawTools();
    },
    all: () => grid.options.more(),
    reset() {
      const pinned = levels(grid.options.columns);
      grid.set({ order: [], hidden: [], pinned, widths: [], wrap: false });
      grid.layout();
      grid.drawTools();
    },
    save: format => save(grid, format)
  };
}

async function save(grid: Grid, format: Format): Promise<void> {
  const { options, state, shown, fields, signal } = grid;
  const as = shown.length === fields.length && shown.every((one, at) => one === fields[at]);
  const view = { ...ALL, ...state.view };
  const blob = await options.rows.export(format, view, as ? null : shown, signal);
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = `${options.label}.${format === 'markdown' ? 'md' : format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
