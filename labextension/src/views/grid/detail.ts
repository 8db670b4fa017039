/** The whole of one cell, below the rows. */

import { count } from '../../format';
import { exact } from '../../tabledata';
import type { Cell } from '../../tabledata';
import type { Column } from '../../wire';
import { button, h, toClipboard } from '../dom';

const MOST = 100_000;

export class Detail {
  readonly element = h('section', 'jp-nba-detail', { 'aria-label': 'Whole cell', hidden: true });

  constructor(private readonly closed: () => void) {
    this.element.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        this.close();
      }
    });
  }

  get open(): boolean {
    return !this.element.hidden;
  }

  show(column: Column, row: number, cell: Cell): void {
    const whole = cell === undefined ? '' : cell === null ? 'null' : exact(cell);
    const copy = button('Copy', 'Copy the whole cell', () => {
      void toClipboard(whole).then(
        () => (copy.textContent = 'Copied'),
        () => (copy.textContent = 'Not allowed')
      );
    });
    const size = whole.length > 80 ? `${count(whole.length)} characters` : '';
    const cut = whole.length > MOST ? ` (the first ${count(MOST)} are shown)` : '';
    this.element.replaceChildren(
      h(
        'header',
        '',
        {},
        h('b', '', {}, h('bdi', '', {}, column.name)),
        h('span', '', {}, `row ${count(row + 1)}`),
        size ? h('span', '', {}, size + cut) : null,
        copy,
        button('Close', 'Close (Escape)', () => this.close())
      ),
      h('pre', '', { dir: 'auto', tabindex: 0 }, whole.slice(0, MOST))
    );
    this.element.hidden = false;
  }

  close(): void {
    if (this.open) {
      const focused = this.element.contains(document.activeElement);
      this.element.hidden = true;
      if (focused) {
        this.closed();
      }
    }
  }
}
