/** The menu of a grid's column, opened at its name. */

import { columnMenu } from './columnmenu';
import type { Grid } from './grid';
import { openPopover } from '../popover';
import { filterBy, toggled } from './state';

export function openMenu(grid: Grid, field: string, anchor: HTMLElement): void {
  const renew = openPopover(
    anchor,
    `Column ${grid.column(field).name}`,
    contentOf(grid, field),
    grid.signal,
    () => {
      grid.menuWaits = null;
      if (!anchor.isConnected) {
        grid.head.control(field)?.focus({ preventScroll: true });
      }
    }
  );
  grid.menuWaits = () => {
    if (grid.summaries.whole(field)) {
      grid.menuWaits = null;
      renew(contentOf(grid, field));
    }
  };
  if (grid.summaries.whole(field)) {
    grid.menuWaits = null;
  }
}

function contentOf(grid: Grid, field: string): Node[] {
  const { state, summaries, shown, signal } = grid;
  const column = grid.column(field);
  const at = shown.indexOf(field);
  const key = state.view.sort.find(one => one.field === field);
  const width = (): number => grid.placed.find(one => one.field === field)?.width ?? 100;
  return columnMenu(
    {
      column,
      summary: summaries.whole(field),
      rows: summaries.total,
      filter: state.view.filter.filter(one => one.column === field),
      descending: key?.descending ?? null,
      pinned: state.pinned.includes(field),
      first: at <= 0,
      last: at === shown.length - 1,
      text: grid.formats.text(column)
    },
    {
      sort(descending) {
        const sort = descending === null ? [] : [{ field, descending }];
        grid.show({ ...grid.state.view, sort });
      },
      filter(next) {
        const { view } = grid.state;
        grid.show({ ...view, filter: filterBy(view.filter, field, next) });
      },
      hide() {
        grid.set({ hidden: [...grid.state.hidden, field] });
        grid.layout();
        grid.drawTools();
      },
      pin() {
        grid.set({ pinned: toggled(grid.state.pinned, field) });
        grid.layout();
      },
      move: by => grid.move(field, grid.shown.indexOf(field) + by),
      widen: by => grid.resize(field, Math.max(36, width() + by)),
      fit: () => grid.resize(field, null)
    },
    signal
  );
}
