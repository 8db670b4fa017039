/** Columns as lines over the rows, or over another column; of long tables every so many rows. */

import uPlot from 'uplot';
import { count } from '../../format';
import { moment } from '../../tabledata';
import type { Cell } from '../../tabledata';
import type { Column } from '../../wire';
import { h, reason } from '../dom';
import { chartable } from './charted';
import type { Grid } from './grid';
import { opens } from '../popover';
import type { Chart } from './state';

const POINTS = 2000;
const HEIGHT = 220;
const PAUSE = 300;
/** Told apart in light and dark, and by people who see few colours; dashes tell them apart without any. */
const COLOURS = ['#1f77c9', '#d9730d', '#2e9e6b', '#b04fc4', '#c2484d', '#7a7f14'];
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [5, 2], [1, 2]];

/** Steps of an axis of rows. */
const WHOLE = [1, 10, 100, 1000, 1e4, 1e5, 1e6, 1e7, 1e8].flatMap(ten => [ten, 2 * ten, 5 * ten]);

export interface Drawing {
  refresh(): void;
}

type Line = (number | null)[];

/** The chart of a grid's state in `host`; it follows the grid's rows. */
export function drawChart(host: HTMLElement, grid: Grid, signal: AbortSignal): Drawing {
  return new LineChart(host, grid, signal);
}

class LineChart implements Drawing {
  private readonly plot = h('div', 'jp-nba-plot');
  private readonly said = h('span', 'jp-nba-quiet', { role: 'status' });
  private chart: uPlot | null = null;
  private drawn = '';
  private asked = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    host: HTMLElement,
    private readonly grid: Grid,
    private readonly signal: AbortSignal
  ) {
    host.replaceChildren(
      h('div', 'jp-nba-chart-line', {}, ...this.controls(), this.said),
      this.plot
    );
    const observer = new ResizeObserver(() => this.fit());
    observer.observe(this.plot);
    const themes = new MutationObserver(() => this.chart?.redraw());
    themes.observe(document.body, { attributeFilter: ['data-jp-theme-light'] });
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', () => this.chart?.redraw(), { signal });
    signal.addEventListener(
      'abort',
      () => {
        observer.disconnect();
        themes.disconnect();
        clearTimeout(this.timer);
        this.asked.abort();
        this.chart?.destroy();
      },
      { once: true }
    );
    void this.load();
  }

  refresh(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.load(), PAUSE);
  }

  private get what(): Chart {
    return this.grid.state.chart ?? { x: null, y: [] };
  }

  private controls(): HTMLElement[] {
    const { columns } = this.grid.options;
    const select = h('select', 'jp-nba-input', { 'aria-label': 'Across' });
    const choices = columns.filter(({ kind }) => kind === 'number' || kind === 'time');
    for (const { field: value, name } of [{ field: '', name: 'row' }, ...choices]) {
      const option = h('option', '', { value }, name);
      option.selected = (this.what.x ?? '') === value;
      select.append(option);
    }
    select.addEventListener('change', () => this.choose({ x: select.value || null }));
    const lines = h('button', 'jp-nba-button', { type: 'button', title: 'Choose lines' }, 'Lines');
    opens(lines, 'Lines', () => [this.list(chartable(columns))], this.signal);
    return [lines, h('label', 'jp-nba-across', {}, 'across', select)];
  }

  private list(columns: Column[]): HTMLElement {
    const list = h('div', 'jp-nba-values jp-mod-tall');
    for (const column of columns.slice(0, 200)) {
      const box = h('input', '', { type: 'checkbox' });
      box.checked = this.what.y.includes(column.field);
      box.addEventListener('change', () => {
        const rest = this.what.y.filter(field => field !== column.field);
        this.choose({ y: box.checked ? [...rest, column.field] : rest });
      });
      list.append(h('label', '', {}, box, h('bdi', '', {}, column.name)));
    }
    return list;
  }

  private choose(change: Partial<Chart>): void {
    this.grid.set({ chart: { ...this.what, ...change } });
    void this.load();
  }

  private async load(): Promise<void> {
    this.asked.abort();
    const asked = new AbortController();
    this.asked = asked;
    const { grid } = this;
    const { x, y } = this.what;
    const known = new Set(grid.fields);
    const lines = y.filter(field => known.has(field));
    if (lines.length === 0) {
      this.say('Choose lines to draw.');
      this.empty();
      return;
    }
    const stride = Math.max(1, Math.ceil(grid.pages.rowCount / POINTS));
    const columns = [...new Set([...(x !== null && known.has(x) ? [x] : []), ...lines])];
    const query = { ...grid.state.view, offset: 0, limit: POINTS, stride, columns };
    try {
      const page = await grid.options.rows.rows(query, asked.signal);
      if (!asked.signal.aborted && !this.signal.aborted) {
        const by = new Map(page.columns.map(({ field }, at) => [field, page.cells[at] ?? []]));
        this.show(x !== null && by.has(x) ? x : null, lines, by, stride);
        this.say(stride > 1 ? `every ${count(stride)}th of ${count(page.rows)} rows` : '');
      }
    } catch (error) {
      if (!asked.signal.aborted) {
        this.say(`No chart: ${reason(error)}`);
      }
    }
  }

  private say(words: string): void {
    this.said.textContent = words;
  }

  private empty(): void {
    this.chart?.destroy();
    this.chart = null;
    this.drawn = '';
  }

  private show(x: string | null, y: string[], by: Map<string, Cell[]>, stride: number): void {
    const length = by.get(y[0] ?? '')?.length ?? 0;
    const across = x === null ? null : this.grid.column(x);
    const time = across?.kind === 'time';
    const places: Line = across
      ? (by.get(across.field) ?? []).map(cell => (time ? seconds(cell) : numberOf(cell)))
      : Array.from({ length }, (_, at) => at * stride + 1);
    const order = [...places.keys()].filter(at => places[at] !== null);
    order.sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0));
    const data = [places, ...y.map(field => (by.get(field) ?? []).map(numberOf))].map(line =>
      order.map(at => line[at] ?? null)
    );
    const drawn = JSON.stringify([x, y]);
    if (this.chart && drawn === this.drawn) {
      this.chart.setData(data as uPlot.AlignedData);
    } else {
      this.empty();
      this.drawn = drawn;
      this.chart = new uPlot(this.options(across, time, y), data as uPlot.AlignedData, this.plot);
    }
    this.chart.setLegend({ idx: order.length - 1 });
    const names = y.map(field => this.grid.column(field).name).join(', ');
    this.chart.root.querySelector('canvas')?.setAttribute('role', 'img');
    this.chart.root
      .querySelector('canvas')
      ?.setAttribute('aria-label', `Lines of ${names} across ${across?.name ?? 'rows'}`);
  }

  private options(across: Column | null, time: boolean, y: string[]): uPlot.Options {
    const style = (name: string, other: string) => (): string =>
      getComputedStyle(this.plot).getPropertyValue(name).trim() || other;
    const axis = {
      stroke: style('--nba-fg-quiet', '#757575'),
      grid: { stroke: style('--nba-line-soft', '#eee'), width: 1 },
      ticks: { stroke: style('--nba-line', '#e0e0e0'), width: 1 },
      font: '11px system-ui, sans-serif'
    };
    return {
      width: Math.max(120, this.plot.clientWidth),
      height: HEIGHT,
      scales: { x: { time } },
      axes: [across ? axis : { ...axis, incrs: WHOLE }, { ...axis, size: 64 }],
      cursor: { drag: { x: true, y: false }, points: { size: 6 } },
      series: [
        { label: across?.name ?? 'row' },
        ...y.map((field, at) => ({
          label: this.grid.column(field).name,
          stroke: COLOURS[at % COLOURS.length] ?? '#1f77c9',
          dash: DASHES[at % DASHES.length] ?? [],
          width: 1.5,
          points: { show: (chart: uPlot) => (chart.data[0]?.length ?? 0) < 60 },
          spanGaps: false
        }))
      ]
    };
  }

  private fit(): void {
    const { chart, plot } = this;
    const width = Math.max(120, plot.clientWidth);
    if (chart && plot.clientWidth > 0 && width !== chart.width) {
      chart.setSize({ width, height: HEIGHT });
    }
  }
}

function numberOf(cell: Cell): number | null {
  if (cell === null || cell === undefined || cell === '') {
    return null;
  }
  const number = Number(cell);
  return Number.isFinite(number) ? number : null;
}

function seconds(cell: Cell): number | null {
  const at = moment(cell);
  return Number.isNaN(at) ? null : at / 1000;
}
