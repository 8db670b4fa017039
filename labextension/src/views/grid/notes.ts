/** Sentences in place of rows: that there are none, or why they did not come. */

import { ALL } from '../../rows';
import { button, h } from '../dom';
import type { Grid } from './grid';
import { narrowed } from './state';

export class Notes {
  readonly none = h('p', 'jp-nba-none', { hidden: true });
  readonly alert = h('p', 'jp-nba-alert', { role: 'alert', hidden: true });

  draw(grid: Grid): void {
    const { pages, state } = grid;
    const { error } = pages;
    this.alert.hidden = error === null;
    if (error !== null) {
      const retry = button('Try again', 'Ask for these rows again', () => pages.retry());
      this.alert.replaceChildren(h('span', '', {}, `Not all rows are here. ${error} `), retry);
    }
    const left = narrowed(state.view) && !pages.stale;
    this.none.hidden = pages.rowCount > 0 || error !== null;
    this.none.replaceChildren(left ? 'No rows match. ' : 'No rows.');
    if (left) {
      const clear = (): void => grid.show({ ...ALL, sort: state.view.sort });
      this.none.append(button('Show all rows', 'Take all conditions off', clear));
    }
  }
}
