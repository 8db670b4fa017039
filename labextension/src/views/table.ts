/** A table: names, dtypes and null shares, rows that sort by a click where all of them are here. */

import { count, plural } from '../format';
import { columnNote, exact, formatter, sortedRows, tableOf } from '../tabledata';
import type { Cell, Table } from '../tabledata';
import type { Column } from '../wire';
import { button, h, notice } from './dom';
import { GridRows } from './grid';
import type { Source } from './types';

const SAMPLE = 300;

export async function mountTable(
  element: HTMLElement,
  source: Source,
  signal: AbortSignal
): Promise<void> {
  const table = tableOf(source.record, await source.data());
  if (signal.aborted) {
    return;
  }
  if (table.columns.length === 0) {
    element.replaceChildren(notice('This table has no columns.'));
    return;
  }
  element.replaceChildren(...gridOf(table, source.record.key ?? 'Table', signal));
}

/** "16 rows × 4 columns", or how much of the table is here. */
export function sizeWords(table: Table): string {
  const { rows, rowCount, columnCount } = table;
  const shown = table.columns.length - table.indexCount;
  const parts = [
    rows.length < rowCount
      ? `first ${count(rows.length)} of ${plural(rowCount, 'row')}`
      : plural(rowCount, 'row'),
    shown < columnCount
      ? `first ${count(shown)} of ${plural(columnCount, 'column')}`
      : plural(columnCount, 'column')
  ];
  return parts.join(' × ');
}

function gridOf(table: Table, name: string, signal: AbortSignal): Node[] {
  const { columns, rows } = table;
  const whole = rows.length >= table.rowCount;
  const formats = columns.map((column, at) =>
    formatter(
      column,
      rows.slice(0, SAMPLE).map(row => row[at])
    )
  );
  const detail = h('div', 'jp-nba-detail', { hidden: true });
  const box = h('div', 'jp-nba-grid-box');
  const grid = new GridRows(
    box,
    {
      columns: columns.length,
      fill: (cell, value, at) =>
        fill(cell, value, columns[at] as Column, formats[at]?.(value) ?? ''),
      choose: (value, at) =>
        explain(detail, columns[at] as Column, value, formats[at]?.(value) ?? '')
    },
    signal
  );
  const heads = columns.map((column, at) => headOf(column, at, table, whole));
  let order: { column: number; descending: boolean } | null = null;
  const sort = (at: number): void => {
    const again = order?.column === at;
    order = again && order?.descending ? null : { column: at, descending: again };
    heads.forEach((head, index) => mark(head, order?.column === index ? order.descending : null));
    grid.show(order ? sortedRows(rows, order.column, order.descending) : rows);
  };
  if (whole) {
    heads.forEach((head, at) =>
      head.querySelector('button')?.addEventListener('click', () => sort(at))
    );
  }
  const header = h(
    'thead',
    '',
    { role: 'rowgroup' },
    h('tr', '', { role: 'row', 'aria-rowindex': 1 }, ...heads)
  );
  const widths = columns.map((column, at) => widthOf(column, table, rows, formats[at]));
  const group = h('colgroup', '');
  for (const width of widths) {
    const col = h('col', '');
    col.style.inlineSize = `${width}ch`;
    group.append(col);
  }
  const html = h(
    'table',
    'jp-nba-grid',
    {
      role: 'grid',
      'aria-label': name,
      'aria-rowcount': table.rowCount + 1,
      'aria-colcount': table.columnCount + table.indexCount
    },
    group,
    header,
    grid.body
  );
  html.style.inlineSize = `${widths.reduce((sum, width) => sum + width, 0)}ch`;
  box.append(html);
  grid.show(rows);
  const empty = rows.length === 0 ? notice('No rows.') : null;
  const partial = !whole || columns.length - table.indexCount < table.columnCount;
  const size = partial ? h('p', 'jp-nba-size', {}, sizeWords(table)) : null;
  return [box, empty, detail, size].filter(node => node !== null);
}

function headOf(column: Column, at: number, table: Table, whole: boolean): HTMLElement {
  const why = `Sorting needs all rows: the first ${count(table.rows.length)} of ${count(table.rowCount)} are here`;
  const label = column.name || ' ';
  const name = whole
    ? h(
        'button',
        'jp-nba-column',
        { type: 'button', title: `${column.name}: sort` },
        h('bdi', '', {}, label)
      )
    : h('span', 'jp-nba-column', { title: `${column.name}. ${why}` }, h('bdi', '', {}, label));
  return h(
    'th',
    classOf(column),
    {
      role: 'columnheader',
      scope: 'col',
      'aria-colindex': at + 1,
      'aria-sort': whole ? 'none' : null
    },
    name,
    h(
      'small',
      '',
      { title: columnNote(column, table.rowCount) },
      columnNote(column, table.rowCount)
    )
  );
}

function mark(head: HTMLElement, descending: boolean | null): void {
  const words = descending === null ? 'none' : descending ? 'descending' : 'ascending';
  head.setAttribute('aria-sort', words);
}

function classOf(column: Column): string {
  return `jp-nba-${column.kind}${column.index ? ' jp-nba-index' : ''}`;
}

function fill(cell: HTMLElement, value: Cell, column: Column, shown: string): void {
  if (value === null) {
    cell.className = `${classOf(column)} jp-nba-null`;
    cell.textContent = 'null';
    return;
  }
  cell.className = classOf(column);
  cell.dir = column.kind === 'text' ? 'auto' : '';
  cell.textContent = shown;
  const whole = exact(value);
  if (whole !== shown || shown.length > 40) {
    cell.title = whole.slice(0, 1000);
  }
}

/** The whole of a cell that does not fit its column, below the table. */
function explain(detail: HTMLElement, column: Column, value: Cell, shown: string): void {
  const whole = exact(value);
  detail.hidden = whole === shown && shown.length <= 40;
  const close = button('Close', 'Close', () => (detail.hidden = true));
  detail.replaceChildren(
    h('b', '', {}, h('bdi', '', {}, column.name)),
    close,
    h('pre', '', { dir: 'auto', tabindex: 0 }, whole)
  );
}

/** In characters: as wide as its name, its note and a sample of its cells ask for, within reason. */
function widthOf(
  column: Column,
  table: Table,
  rows: Cell[][],
  format: ((cell: Cell) => string) | undefined
): number {
  const at = table.columns.indexOf(column);
  const cells = rows
    .slice(0, SAMPLE)
    .map(row => (row[at] == null ? 4 : (format?.(row[at]).length ?? 0)));
  const note = columnNote(column, table.rowCount).length * 0.85;
  const wanted = Math.max(column.name.length + 2, note, ...cells);
  return Math.ceil(Math.min(42, Math.max(5, wanted))) + 3;
}
