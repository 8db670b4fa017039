/** Two tables: counts, schema, drift by column, and the rows that changed, by colour and by sign. */

import type { ColumnChange, Diff, RowChange, SchemaChange, TableDiff } from '../../diff';
import { count, plural } from '../../format';
import { exact } from '../../tabledata';
import { button, h, reason } from '../dom';

const SIGNS = { added: '+', removed: '−', changed: '~', moved: '↕' } as const;
const COLUMNS = 40;
const LONGEST = 60;

export function tableDiff(diff: TableDiff, load: (offset: number) => Promise<Diff>): Node[] {
  const parts: (Node | null)[] = [
    counts(diff),
    h('p', 'jp-nba-quiet', {}, matchedWords(diff)),
    diff.schema.length > 0 ? schema(diff.schema) : null,
    drift(diff),
    rows(diff, load)
  ];
  return parts.filter(part => part !== null);
}

function counts(diff: TableDiff): HTMLElement {
  const one = (change: keyof typeof SIGNS, n: number, words: string): HTMLElement =>
    h(
      'span',
      n > 0 ? 'jp-nba-change' : 'jp-nba-change jp-mod-none',
      { 'data-change': change },
      `${SIGNS[change]} ${words}`
    );
  return h(
    'p',
    'jp-nba-diff-counts',
    {},
    one('added', diff.added, `${plural(diff.added, 'row')} added`),
    one('removed', diff.removed, `${count(diff.removed)} removed`),
    one('changed', diff.changed, `${count(diff.changed)} changed`),
    h('span', 'jp-nba-quiet', {}, `${count(diff.same)} the same`),
    h('span', 'jp-nba-quiet', {}, plural(diff.schema.length, 'schema change'))
  );
}

/** "Rows matched by carrier (guessed)". */
export function matchedWords({ keys, matched_by: by, keys_unique: unique }: TableDiff): string {
  if (by === 'position' || keys.length === 0) {
    return 'Rows matched by their place: no column names them.';
  }
  const how = by === 'guessed' ? ' (guessed)' : by === 'index' ? ' (the index)' : '';
  const twice = unique ? '' : ' Some rows share a key; those were matched in their order.';
  return `Rows matched by ${keys.join(', ')}${how}.${twice}`;
}

function schema(changes: SchemaChange[]): HTMLElement {
  return h(
    'ul',
    'jp-nba-diff-schema',
    { 'aria-label': 'Schema changes' },
    ...changes.map(one =>
      h(
        'li',
        'jp-nba-change',
        { 'data-change': one.change },
        `${SIGNS[one.change]} column `,
        h('b', '', {}, h('bdi', '', {}, one.field)),
        ` ${schemaWords(one)}`
      )
    )
  );
}

function schemaWords({ change, from, to }: SchemaChange): string {
  switch (change) {
    case 'added':
      return `added${to ? ` (${to})` : ''}`;
    case 'removed':
      return `removed${from ? ` (${from})` : ''}`;
    case 'moved':
      return `moved from place ${from ?? '?'} to ${to ?? '?'}`;
    default:
      return `is ${to ?? '?'}, was ${from ?? '?'}`;
  }
}

// Drift

function drift(diff: TableDiff): HTMLElement | null {
  const moved = diff.columns.filter(one => one.changed > 0 || drifted(one));
  if (moved.length === 0) {
    return null;
  }
  const body = moved
    .slice(0, 200)
    .map(one =>
      h(
        'tr',
        '',
        {},
        h('th', '', { scope: 'row' }, h('bdi', '', {}, one.field)),
        h('td', 'jp-nba-number', {}, one.changed > 0 ? count(one.changed) : '–'),
        pair(one.mean_from, one.mean_to),
        pair(one.min_from, one.min_to),
        pair(one.max_from, one.max_to),
        pair(one.nulls_from, one.nulls_to)
      )
    );
  const names = ['Column', 'Cells changed', 'Mean', 'Least', 'Largest', 'Nulls'];
  const head = h(
    'tr',
    '',
    {},
    ...names.map((name, at) => h('th', at > 0 ? 'jp-nba-number' : '', { scope: 'col' }, name))
  );
  const table = h(
    'table',
    'jp-nba-diff-table',
    {},
    h('thead', '', {}, head),
    h('tbody', '', {}, ...body)
  );
  const more = h(
    'details',
    'jp-nba-diff-drift',
    {},
    h('summary', '', {}, `Changes by column (${count(moved.length)})`),
    h('div', 'jp-nba-diff-scroll', { tabindex: 0 }, table)
  );
  more.open = moved.length <= 6;
  return more;
}

function drifted(one: ColumnChange): boolean {
  return (
    one.mean_from !== one.mean_to ||
    one.min_from !== one.min_to ||
    one.max_from !== one.max_to ||
    one.nulls_from !== one.nulls_to
  );
}

function pair(from: number | null, to: number | null): HTMLElement {
  const cell = h('td', 'jp-nba-number');
  if (from === to || (from === null && to === null)) {
    cell.textContent = from === null ? '' : short(from);
  } else {
    cell.append(
      ...beforeAfter(from === null ? 'none' : short(from), to === null ? 'none' : short(to))
    );
    cell.className = 'jp-nba-number jp-nba-change';
    cell.dataset['change'] = 'changed';
  }
  return cell;
}

function short(n: number): string {
  return Math.abs(n) >= 1e15 || (n !== 0 && Math.abs(n) < 1e-3) ? n.toPrecision(4) : count(n);
}

/** The old one struck out, and the new one; a screen reader is told which is which. */
function beforeAfter(from: string, to: string): Node[] {
  return [
    h('del', '', { 'aria-label': `was ${from}` }, from),
    document.createTextNode(' '),
    h('ins', '', {}, to)
  ];
}

// Rows

function rows(diff: TableDiff, load: (offset: number) => Promise<Diff>): HTMLElement | null {
  if (diff.rows.length === 0) {
    return null;
  }
  const fields = shownFields(diff);
  const body = h('tbody', '', {}, ...diff.rows.map(row => rowOf(row, diff.keys, fields)));
  const names = [...(diff.keys.length > 0 ? diff.keys : ['row']), ...fields];
  const head = h(
    'tr',
    '',
    {},
    h('th', '', { scope: 'col', 'aria-label': 'Change' }),
    ...names.map(name =>
      h(
        'th',
        numbers(diff.rows, name) ? 'jp-nba-number' : '',
        { scope: 'col' },
        h('bdi', '', {}, name)
      )
    )
  );
  const table = h(
    'table',
    'jp-nba-diff-table',
    { 'aria-label': 'Rows that changed' },
    h('thead', '', {}, head),
    body
  );
  const all = diff.added + diff.removed + diff.changed;
  const said = h('span', 'jp-nba-quiet', { role: 'status' });
  const more = button('Show more', 'More rows that changed', () => {
    more.disabled = true;
    load(body.rows.length).then(
      next => {
        const found = next.table?.rows ?? [];
        body.append(...found.map(row => rowOf(row, diff.keys, fields)));
        more.disabled = false;
        say(found.length === 0);
      },
      (error: unknown) => {
        more.disabled = false;
        said.textContent = reason(error);
      }
    );
  });
  const say = (end = false): void => {
    more.hidden = end || body.rows.length >= all;
    said.textContent =
      body.rows.length < all ? `${count(body.rows.length)} of ${count(all)} rows that changed` : '';
  };
  say();
  return h(
    'div',
    '',
    {},
    h('div', 'jp-nba-diff-scroll jp-mod-tall', { tabindex: 0 }, table),
    h('p', 'jp-nba-diff-more', {}, said, more)
  );
}

/** Columns with a change first; the others as far as there is room. */
function shownFields({ columns, rows, keys }: TableDiff): string[] {
  const changed = columns.filter(one => one.changed > 0).map(({ field }) => field);
  const others = rows.flatMap(row => Object.keys(row.cells));
  const known = new Set(keys);
  return [...new Set([...changed, ...others])].filter(field => !known.has(field)).slice(0, COLUMNS);
}

function rowOf(row: RowChange, keys: string[], fields: string[]): HTMLTableRowElement {
  const own = (object: { [field: string]: unknown }, field: string): unknown =>
    Object.hasOwn(object, field) ? object[field] : undefined;
  const place = row.to ?? row.from;
  const heads =
    keys.length > 0 ? keys.map(field => own(row.key, field)) : [place === null ? null : place + 1];
  return h(
    'tr',
    'jp-nba-change',
    { 'data-change': row.change },
    h('td', 'jp-nba-sign', { 'aria-label': row.change }, SIGNS[row.change]),
    ...heads.map(value => h('th', '', { scope: 'row', dir: 'auto' }, words(value))),
    ...fields.map(field => {
      const cell = own(row.cells, field) as [unknown, unknown] | undefined;
      return cellOf(cell, row.change);
    })
  );
}

/** Whether the cells of a column are numbers, as far as they are here. */
function numbers(rows: RowChange[], field: string): boolean {
  const cells = rows.flatMap(({ cells }) =>
    Object.hasOwn(cells, field) ? (cells[field] ?? []) : []
  );
  const known = cells.filter(cell => cell !== null && cell !== undefined);
  return known.length > 0 && known.every(isNumber);
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}

function cellOf(cell: [unknown, unknown] | undefined, change: RowChange['change']): HTMLElement {
  const value = cell?.[change === 'removed' ? 0 : 1];
  const td = h('td', isNumber(value) ? 'jp-nba-number' : '', { dir: 'auto' });
  if (cell === undefined) {
    return td;
  }
  if (change === 'changed') {
    td.classList.add('jp-nba-cell-changed');
    td.append(...beforeAfter(words(cell[0]), words(cell[1])));
  } else {
    td.textContent = words(value);
  }
  const whole = cell.map(one => exact(one ?? null)).join(' → ');
  td.title = whole.slice(0, 1000);
  return td;
}

function words(value: unknown): string {
  const text = value === null || value === undefined ? 'null' : exact(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
