/** The conditions of one column as a small form; every change counts at once. */

import { count } from '../../format';
import type { Bound, Filter } from '../../rows';
import { exact } from '../../tabledata';
import type { Cell } from '../../tabledata';
import type { Column } from '../../wire';
import { button, h } from '../dom';
import type { MenuLook } from './columnmenu';

const PAUSE = 250;
const NULLS = { any: 'any', null: 'only null', not_null: 'no null' } as const;

type Nulls = keyof typeof NULLS;

/** What the form says. */
export interface Draft {
  min: string;
  max: string;
  contains: string;
  values: Cell[];
  nulls: Nulls;
}

export function draftOf(filter: readonly Filter[]): Draft {
  const draft: Draft = { min: '', max: '', contains: '', values: [], nulls: 'any' };
  for (const one of filter) {
    if (one.op === 'range') {
      draft.min = one.min === null ? '' : String(one.min);
      draft.max = one.max === null ? '' : String(one.max);
    } else if (one.op === 'contains') {
      draft.contains = one.text;
    } else if (one.op === 'in') {
      draft.values = one.values;
    } else if (one.op === 'null' || one.op === 'not_null') {
      draft.nulls = one.op;
    }
  }
  return draft;
}

/** The conditions that a draft spells, or a sentence about what cannot be read. */
export function filterOf(draft: Draft, { field, kind }: Column): Filter[] | string {
  const filter: Filter[] = [];
  const min = bound(draft.min, kind);
  const max = bound(draft.max, kind);
  if (min === undefined || max === undefined) {
    return `“${min === undefined ? draft.min : draft.max}” is no number.`;
  }
  if (min !== null || max !== null) {
    filter.push({ column: field, op: 'range', min, max });
  }
  if (draft.contains) {
    filter.push({ column: field, op: 'contains', text: draft.contains });
  }
  if (draft.values.length > 0) {
    filter.push({ column: field, op: 'in', values: draft.values });
  }
  if (draft.nulls !== 'any') {
    filter.push({ column: field, op: draft.nulls });
  }
  return filter;
}

/** A number as a number where no digit is lost; undefined for what is none. */
function bound(text: string, kind: Column['kind']): Bound | undefined {
  const clean = text.trim();
  if (clean === '') {
    return null;
  }
  if (kind !== 'number') {
    return clean;
  }
  // Commas are taken where they group thousands: “1,5” would be read as fifteen.
  const grouped = /^[+\-−]?\d{1,3}(,\d{3})+(?![\d,])/.test(clean);
  const plain = (grouped ? clean.replaceAll(',', '') : clean).replace('−', '-');
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) {
    return undefined;
  }
  const number = Number(plain);
  return Number.isSafeInteger(number) || !/^[+-]?\d+$/.test(plain) ? number : plain;
}

export function filterForm(
  look: MenuLook,
  act: (next: Filter[]) => void,
  signal: AbortSignal
): HTMLElement {
  const { column, summary, text } = look;
  const draft = draftOf(look.filter);
  const said = h('p', 'jp-nba-popover-error', { role: 'alert', hidden: true });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tell = (): void => {
    const filter = filterOf(draft, column);
    const wrong = typeof filter === 'string';
    said.hidden = !wrong;
    said.textContent = wrong ? filter : '';
    if (!wrong) {
      act(filter);
    }
  };
  const later = (): void => {
    clearTimeout(timer);
    timer = setTimeout(tell, PAUSE);
  };
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  const parts: HTMLElement[] = [];
  if (column.kind === 'number' || column.kind === 'time') {
    const hint = (cell: Cell): string => (cell === null || cell === undefined ? '' : text(cell));
    parts.push(
      h(
        'div',
        `jp-nba-range${column.kind === 'time' ? ' jp-mod-long' : ''}`,
        {},
        input('from', hint(summary?.min), draft.min, value => (draft.min = value), later),
        h('span', '', { 'aria-hidden': 'true' }, '–'),
        input('to', hint(summary?.max), draft.max, value => (draft.max = value), later)
      )
    );
  } else {
    parts.push(
      input('contains', 'contains …', draft.contains, value => (draft.contains = value), later)
    );
    parts.push(valueList(look, draft, tell));
  }
  if ((summary?.nulls ?? column.nulls) > 0 || draft.nulls !== 'any') {
    parts.push(nullChoice(draft, tell));
  }
  if (look.filter.length > 0) {
    parts.push(button('Show all rows', 'Take this column’s conditions off', () => act([])));
  }
  return h(
    'div',
    'jp-nba-filter',
    { role: 'group', 'aria-label': 'Only rows where' },
    ...parts,
    said
  );
}

function input(
  label: string,
  placeholder: string,
  value: string,
  set: (value: string) => void,
  changed: () => void
): HTMLInputElement {
  const element = h('input', 'jp-nba-input', {
    type: 'text',
    'aria-label': label,
    placeholder: placeholder || label,
    spellcheck: 'false',
    autocomplete: 'off'
  });
  element.value = value;
  element.addEventListener('input', () => {
    set(element.value);
    changed();
  });
  return element;
}

function valueList({ summary, text }: MenuLook, draft: Draft, tell: () => void): HTMLElement {
  const top = summary?.top ?? [];
  const listed = new Set(top.map(({ value }) => exact(value)));
  const others = draft.values
    .filter(value => !listed.has(exact(value)))
    .map(value => ({ value, count: 0 }));
  const worth = top.some(one => one.count > 1) || (summary?.distinct ?? 99) <= 20;
  const list = h('div', 'jp-nba-values');
  for (const { value, count: n } of worth ? [...others, ...top] : others) {
    const box = h('input', '', { type: 'checkbox' });
    box.checked = draft.values.some(one => exact(one) === exact(value));
    box.addEventListener('change', () => {
      draft.values = box.checked
        ? [...draft.values, value]
        : draft.values.filter(one => exact(one) !== exact(value));
      tell();
    });
    list.append(
      h(
        'label',
        '',
        {},
        box,
        h('bdi', '', {}, text(value) || '(empty)'),
        n > 0 ? h('span', '', {}, count(n)) : null
      )
    );
  }
  const more = (summary?.distinct ?? 0) - top.length;
  if (worth && more > 0) {
    list.append(h('small', '', {}, `${count(more)} more: use “contains”`));
  }
  return list;
}

function nullChoice(draft: Draft, tell: () => void): HTMLElement {
  const select = h('select', 'jp-nba-input', { 'aria-label': 'Nulls' });
  for (const [name, words] of Object.entries(NULLS)) {
    const option = h('option', '', { value: name }, `nulls: ${words}`);
    option.selected = name === draft.nulls;
    select.append(option);
  }
  select.addEventListener('change', () => {
    draft.nulls = select.value as Nulls;
    tell();
  });
  return select;
}
