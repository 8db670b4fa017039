/** The line below the rows: how many there are, and what can be done with them. Above them: search and conditions. */

import { count, plural } from '../../format';
import { rowWords } from '../../localrows';
import type { Filter, Format } from '../../rows';
import type { Column } from '../../wire';
import { columnChecks } from '../columnchecks';
import { button, h } from '../dom';
import { closePopover, opens } from '../popover';

export interface ToolsLook {
  rows: number;
  total: number;
  /** Rows that can be looked at, where the others are out of reach. */
  reach: number | null;
  busy: boolean;
  columnCount: number;
  /** Columns that can be shown, without index levels. */
  described: number;
  fields: readonly string[];
  hidden: readonly string[];
  column: (field: string) => Column;
  filter: readonly Filter[];
  words: (filter: Filter) => string;
  q: string;
  wrap: boolean;
  chart: boolean;
  charts: boolean;
  whole: boolean;
  formats: readonly Format[];
}

export interface ToolsActs {
  search: (q: string) => void;
  clear: (field: string | null) => void;
  hide: (hidden: string[]) => void;
  wrap: () => void;
  chart: () => void;
  /** Fetch the columns that the record does not describe. */
  all: () => void;
  reset: () => void;
  save: (format: Format) => Promise<void>;
}

const FILES: { readonly [format in Format]: string } = {
  csv: 'CSV',
  parquet: 'Parquet',
  json: 'JSON',
  markdown: 'Markdown'
};
const PAUSE = 250;

export class Tools {
  /** Above the rows. */
  readonly top = h('div', 'jp-nba-search-line', { hidden: true });
  /** Below them. */
  readonly element = h('div', 'jp-nba-tools');
  private readonly size = h('span', 'jp-nba-size', { role: 'status', dir: 'auto' });
  private readonly box = h('input', 'jp-nba-input', {
    type: 'search',
    placeholder: 'Find in all columns',
    'aria-label': 'Find in all columns',
    spellcheck: 'false'
  });
  private readonly chips = h('span', 'jp-nba-chips');
  private readonly find: HTMLButtonElement;
  private readonly columns: HTMLButtonElement;
  private readonly save: HTMLButtonElement;
  private readonly chart: HTMLButtonElement;
  private searching = false;
  private look: ToolsLook | null = null;
  private said: string | null = null;

  constructor(
    private readonly acts: ToolsActs,
    signal: AbortSignal
  ) {
    this.find = button('Search', 'Find text in all columns ( / )', () =>
      this.search(!this.searching)
    );
    this.columns = button('Columns', 'Choose columns, wrap long text', () => undefined);
    this.save = button('Save as', 'Save these rows and columns as a file', () => undefined);
    this.chart = button('Chart', 'Draw columns as lines', () => acts.chart());
    opens(this.columns, 'Columns', () => this.columnList(), signal);
    opens(this.save, 'Save as', () => this.files(), signal);
    const buttons = h(
      'span',
      'jp-nba-tool-buttons',
      {},
      this.find,
      this.columns,
      this.chart,
      this.save
    );
    this.element.append(this.size, buttons);
    this.top.append(this.box, this.chips);
    let timer: ReturnType<typeof setTimeout> | undefined;
    this.box.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(() => acts.search(this.box.value), PAUSE);
    });
    this.box.addEventListener('keydown', event => {
      event.stopPropagation();
      if (event.key === 'Escape') {
        this.search(false);
      } else if (event.key === 'Enter') {
        clearTimeout(timer);
        acts.search(this.box.value);
      }
    });
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }

  /** Show or leave the search; leaving it ends it. */
  search(on: boolean): void {
    this.searching = on;
    if (!on) {
      this.box.value = '';
      this.acts.search('');
    }
    if (this.look) {
      this.draw(this.look);
    }
    (on ? this.box : this.find).focus({ preventScroll: true });
  }

  draw(look: ToolsLook): void {
    this.look = look;
    this.size.textContent = this.said ?? sizeWords(look);
    if (document.activeElement !== this.box && this.box.value !== look.q) {
      this.box.value = look.q;
    }
    this.find.hidden = !look.whole || look.total < 2;
    this.find.setAttribute('aria-pressed', String(this.searching));
    this.box.hidden = !this.searching && look.q === '';
    this.top.hidden = this.box.hidden && look.filter.length === 0;
    this.top.classList.toggle('jp-mod-busy', look.busy);
    this.chips.replaceChildren(...this.chipsOf(look));
    const { hidden, fields } = look;
    this.columns.textContent =
      hidden.length > 0 ? `Columns ${fields.length - hidden.length}/${fields.length}` : 'Columns';
    this.columns.hidden = fields.length < 2;
    this.chart.hidden = !look.charts;
    this.chart.setAttribute('aria-pressed', String(look.chart));
    this.save.hidden = !look.whole;
  }

  /** Say something for a moment, in place of the number of rows. */
  say(words: string): void {
    this.said = words;
    this.size.textContent = words;
    setTimeout(() => {
      this.said = null;
      if (this.look) {
        this.draw(this.look);
      }
    }, 2500);
  }

  private chipsOf(look: ToolsLook): HTMLElement[] {
    const fields = [...new Set(look.filter.map(({ column }) => column))];
    const chips = fields.map(field => {
      const words = look.filter.filter(one => one.column === field).map(look.words);
      const chip = button(
        '',
        'Take this condition off',
        () => this.acts.clear(field),
        'jp-nba-chip'
      );
      chip.append(
        h('bdi', '', {}, look.column(field).name),
        ` ${words.join(', ')} `,
        h('span', '', { 'aria-hidden': 'true' }, '×')
      );
      return chip;
    });
    return chips.length > 1
      ? [...chips, button('Clear', 'Show all rows', () => this.acts.clear(null))]
      : chips;
  }

  private columnList(): Node[] {
    const look = this.look as ToolsLook;
    let hidden = [...look.hidden];
    const { parts, draw } = columnChecks({
      fields: look.fields,
      name: field => look.column(field).name,
      note: field => look.column(field).dtype,
      has: field => !hidden.includes(field),
      change: (field, on) => {
        hidden = on ? hidden.filter(one => one !== field) : [...hidden, field];
        this.acts.hide(hidden);
      }
    });
    const set = (fields: string[]): void => {
      hidden = fields;
      this.acts.hide(fields);
      draw();
    };
    const wrap = h('input', '', { type: 'checkbox' });
    wrap.checked = look.wrap;
    wrap.addEventListener('change', () => this.acts.wrap());
    const missing = look.columnCount - look.described;
    return [
      ...parts,
      h(
        'div',
        'jp-nba-choices',
        {},
        button('Show all', 'Show every column', () => set([])),
        button('Hide all', 'Hide every column but the first', () => set(look.fields.slice(1))),
        button('Reset', 'Columns, order and widths as they came', () => {
          this.acts.reset();
          closePopover();
        })
      ),
      ...(missing > 0
        ? [
            button(
              `Fetch ${plural(missing, 'more column')}`,
              'Columns beyond those described',
              () => {
                this.acts.all();
                closePopover();
              }
            )
          ]
        : []),
      h('label', 'jp-nba-switch', {}, wrap, 'Three lines a row')
    ];
  }

  private files(): Node[] {
    const look = this.look as ToolsLook;
    const said = h('p', 'jp-nba-popover-error', { role: 'alert', hidden: true });
    const rows = rowWords(look.rows, look.total);
    const list = look.formats.map(format => {
      const item = button(FILES[format], `Save as ${FILES[format]}`, () => {
        item.disabled = true;
        item.textContent = `${FILES[format]} …`;
        this.acts.save(format).then(closePopover, (error: unknown) => {
          item.disabled = false;
          item.textContent = FILES[format];
          said.hidden = false;
          said.textContent = error instanceof Error ? error.message : String(error);
        });
      });
      return item;
    });
    return [
      h('p', 'jp-nba-popover-words', {}, `${rows}, as shown`),
      h('div', 'jp-nba-list', {}, ...list),
      said
    ];
  }
}

/** "1,234 of 1,000,000 rows × 12 columns". */
export function sizeWords(look: ToolsLook): string {
  const { rows, total, reach, columnCount, described } = look;
  const shown =
    reach === null ? rowWords(rows, total) : `first ${count(reach)} of ${plural(total, 'row')}`;
  const columns =
    described < columnCount
      ? `first ${count(described)} of ${plural(columnCount, 'column')}`
      : plural(columnCount, 'column');
  return `${shown} × ${columns}`;
}
