/** The chart above the rows, loaded when it is first shown. */

import type { Column } from '../../wire';
import { h, notice, reason } from '../dom';
import type { Drawing } from './chart';
import type { Grid } from './grid';
import type { Chart } from './state';

const LINES = 3;
const IDENTITY = /(?:^|[_\W])(?:id|ids|zip|code|key|no|year|month|day)$/i;
/** What a row is counted by, in tables of measurements. */
const COUNTERS = /^(?:step|epoch|iteration|iter|batch|round|time|timestamp|date)s?$/i;

/** Columns that can be drawn as lines. */
export function chartable(columns: readonly Column[]): Column[] {
  return columns.filter(({ kind }) => kind === 'number');
}

/** A first guess at what is worth a look. */
export function firstChart(columns: readonly Column[]): Chart {
  const x = columns.find(
    ({ kind, name }) => (kind === 'number' || kind === 'time') && COUNTERS.test(name)
  );
  const lines = chartable(columns).filter(column => column !== x);
  const likely = lines.filter(({ name, index }) => !index && !IDENTITY.test(name));
  const some = likely.length > 0 ? likely : lines;
  return { x: x?.field ?? null, y: some.slice(0, LINES).map(({ field }) => field) };
}

export class Charted {
  readonly element = h('section', 'jp-nba-chart', { 'aria-label': 'Chart', hidden: true });
  private drawing: Drawing | null = null;
  private ended: AbortController | null = null;

  constructor(private readonly grid: Grid) {}

  /** As the state says: shown or not. */
  draw(): void {
    const { grid, element } = this;
    const on = grid.state.chart !== null && chartable(grid.options.columns).length > 0;
    element.hidden = !on;
    if (on === (this.ended !== null)) {
      return;
    }
    if (!on) {
      this.ended?.abort();
      this.ended = this.drawing = null;
      element.replaceChildren();
      return;
    }
    const ended = new AbortController();
    this.ended = ended;
    import('./chart').then(
      ({ drawChart }) => {
        if (!ended.signal.aborted) {
          this.drawing = drawChart(element, grid, AbortSignal.any([ended.signal, grid.signal]));
        }
      },
      (error: unknown) => element.replaceChildren(notice(`There is no chart. ${reason(error)}`))
    );
  }

  /** Other rows are shown, or the table has changed. */
  refresh(): void {
    this.drawing?.refresh();
  }
}
