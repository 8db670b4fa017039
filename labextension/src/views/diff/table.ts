/** Two tables: counts, schema, drift by column, and the rows that changed, by colour and by sign. */

import type { ColumnChange, Diff, RowChange, SchemaChange, TableDiff } from '../../diff';
import { count, plural } from '../../format';
import { exact } from '../../tabledata';
import { button, h, reason } from '../dom';

const SIGNS = { added: '+', removed: '−', changed: '~', moved: '↕' } as const;
const COLUMNS = 40;
const LONGEST = 60;

/** `matching` says by which columns, and lets a person choose others. */
export function tableDiff(
  diff: TableDiff,
  matching: Node,
  load: (offset: number) => Promise<Diff>
): Node[] {
  const parts: (Node | null)[] = [
    counts(diff),
    matching,
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
  if (from === to) {
    cell.textContent = from === null ? '' : short(from);
  } else {
    cell.append(
      ...beforeAfter(...toldApart(from ?? 'none', to ?? 'none', short, rounded(6), brief))
    );
    cell.className = 'jp-nba-number jp-nba-change';
    cell.dataset['change'] = 'changed';
  }
  return cell;
}

/** Both in few digits, or in as many more as it takes to tell them apart. */
function toldApart<T>(from: T, to: T, ...briefly: ((value: T) => string)[]): [string, string] {
  for (const brief of briefly) {
    const [before, after] = [brief(from), brief(to)];
    if (before !== after) {
      return [before, after];
    }
  }
  return [words(from), words(to)];
}

function short(n: number | string): string {
  return typeof n === 'string'
    ? n
    : Math.abs(n) >= 1e15 || (n !== 0 && Math.abs(n) < 1e-3)
      ? n.toPrecision(4)
      : count(n);
}

/** In so many digits, which takes the noise off the last ones: 0.33 for 0.32999999999999996. */
function rounded(digits: number): (value: unknown) => string {
  return value =>
    words(
      typeof value === 'number' && !Number.isInteger(value)
        ? Number(value.toPrecision(digits))
        : value
    );
}

const brief = rounded(12);

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
  const keys =
    diff.keys.length > 0
      ? diff.keys.map(name =>
          headOf(
            name,
            diff.rows.map(({ key }) => own(key, name))
          )
        )
      : [headOf('row', [1])];
  const cells = fields.map(name =>
    headOf(
      name,
      diff.rows.flatMap(row => (own(row.cells, name) as [unknown, unknown] | undefined) ?? [])
    )
  );
  const head = h(
    'tr',
    '',
    {},
    h('th', '', { scope: 'col', 'aria-label': 'Change' }),
    ...keys,
    ...cells
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
  const place = row.to ?? row.from;
  const heads =
    keys.length > 0 ? keys.map(field => own(row.key, field)) : [place === null ? null : place + 1];
  return h(
    'tr',
    'jp-nba-change',
    { 'data-change': row.change },
    h('td', 'jp-nba-sign', { 'aria-label': row.change }, SIGNS[row.change]),
    ...heads.map(value =>
      h('th', isNumber(value) ? 'jp-nba-number' : '', { scope: 'row', dir: 'auto' }, words(value))
    ),
    ...fields.map(field => {
      const cell = own(row.cells, field) as [unknown, unknown] | undefined;
      return cellOf(cell, row.change);
    })
  );
}

function headOf(name: string, values: unknown[]): HTMLElement {
  const known = values.filter(value => value !== null && value !== undefined);
  const numbers = known.length > 0 && known.every(isNumber);
  return h('th', numbers ? 'jp-nba-number' : '', { scope: 'col' }, h('bdi', '', {}, name));
}

function own(object: { [field: string]: unknown }, field: string): unknown {
  return Object.hasOwn(object, field) ? object[field] : undefined;
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
    td.append(...beforeAfter(...toldApart(cell[0], cell[1], brief)));
  } else {
    td.textContent = brief(value);
  }
  const whole = cell.map(one => exact(one ?? null)).join(' → ');
  td.title = whole.slice(0, 1000);
  return td;
}

function words(value: unknown): string {
  const text = value === null || value === undefined ? 'null' : exact(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
