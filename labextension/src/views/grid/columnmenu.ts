/** The menu of one column: its summary, order, conditions, place and width. */

import { count } from '../../format';
import type { ColumnSummary, Filter } from '../../rows';
import type { Cell } from '../../tabledata';
import type { Column } from '../../wire';
import { button, h } from '../dom';
import { filterForm } from './filters';
import { closePopover } from '../popover';
import { bars, summaryWords } from './spark';

export interface MenuLook {
  column: Column;
  /** Of all rows; null while it is on its way. */
  summary: ColumnSummary | null;
  rows: number;
  filter: readonly Filter[];
  descending: boolean | null;
  pinned: boolean;
  first: boolean;
  last: boolean;
  text: (cell: Cell) => string;
}

export interface MenuActs {
  sort: (descending: boolean | null) => void;
  filter: (next: Filter[]) => void;
  hide: () => void;
  pin: () => void;
  move: (by: number) => void;
  widen: (by: number) => void;
  fit: () => void;
}

export function columnMenu(look: MenuLook, acts: MenuActs, signal: AbortSignal): Node[] {
  const { column, summary, text } = look;
  const bar = summary?.histogram;
  const picture =
    bar && bar.length > 1
      ? h(
          'div',
          'jp-nba-histogram',
          {},
          bars(
            bar.map(one => one.count),
            40
          ),
          h(
            'span',
            '',
            {},
            h('span', '', {}, text(summary.min)),
            h('span', '', {}, text(summary.max))
          )
        )
      : null;
  const words = summary
    ? summaryWords(summary, look.rows, text).filter(word => !picture || !word.startsWith('from '))
    : ['…'];
  return [
    h(
      'div',
      'jp-nba-popover-head',
      {},
      h('b', '', {}, h('bdi', '', {}, column.name || ' ')),
      h('span', '', {}, column.dtype)
    ),
    ...(picture ? [picture] : []),
    h('p', 'jp-nba-popover-words', {}, words.join(' · ')),
    sortLine(look, acts),
    filterForm(look, acts.filter, signal),
    placeLine(look, acts)
  ];
}

function choice(label: string, title: string, pressed: boolean, act: () => void): HTMLElement {
  const element = button(label, title, () => {
    act();
    closePopover();
  });
  element.setAttribute('aria-pressed', String(pressed));
  return element;
}

function sortLine({ descending }: MenuLook, acts: MenuActs): HTMLElement {
  return h(
    'div',
    'jp-nba-choices',
    { role: 'group', 'aria-label': 'Order' },
    h('span', '', {}, 'Sort'),
    choice('▴ up', 'Smallest first', descending === false, () =>
      acts.sort(descending === false ? null : false)
    ),
    choice('▾ down', 'Largest first', descending === true, () =>
      acts.sort(descending === true ? null : true)
    )
  );
}

function placeLine(look: MenuLook, acts: MenuActs): HTMLElement {
  const stays = (label: string, title: string, act: () => void, disabled = false): HTMLElement => {
    const element = button(label, title, act);
    element.setAttribute('aria-label', title);
    element.disabled = disabled;
    return element;
  };
  const move = (by: number): void => {
    acts.move(by);
    closePopover();
  };
  return h(
    'div',
    'jp-nba-choices',
    { role: 'group', 'aria-label': 'Column' },
    h('span', '', {}, 'Column'),
    choice('Hide', 'Hide this column', false, acts.hide),
    choice(
      look.pinned ? 'Unpin' : 'Pin',
      'Keep in sight while scrolling sideways',
      look.pinned,
      acts.pin
    ),
    stays('←', 'Move towards the start', () => move(-1), look.first),
    stays('→', 'Move towards the end', () => move(1), look.last),
    stays('−', 'Narrower', () => acts.widen(-24)),
    stays('+', 'Wider', () => acts.widen(24)),
    stays('Fit', 'As wide as it needs', acts.fit)
  );
}

/** "UA · 58,665". */
export function valueWords(value: Cell, n: number, text: (cell: Cell) => string): string {
  return `${value === null ? 'null' : text(value)} · ${count(n)}`;
}
