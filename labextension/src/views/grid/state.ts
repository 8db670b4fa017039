/** How a person looks at a table: order, conditions, columns and their widths. Values only, no DOM. */

import type { Cell } from '../../tabledata';
import { ALL } from '../../rows';
import type { Filter, SortKey, View } from '../../rows';
import type { Column } from '../../wire';

export interface Chart {
  /** Null: the row's number. */
  x: string | null;
  y: string[];
}

export interface GridState {
  view: View;
  /** Fields as shown; those that are missing follow in the table's own order. */
  order: string[];
  hidden: string[];
  pinned: string[];
  /** In pixels, where a person chose them. */
  widths: [field: string, width: number][];
  /** Rows show three lines of a cell. */
  wrap: boolean;
  chart: Chart | null;
}

export const FRESH: GridState = {
  view: ALL,
  order: [],
  hidden: [],
  pinned: [],
  widths: [],
  wrap: false,
  chart: null
};

/** Sort by a column: up, then down, then no longer. With `add` the columns sorted by before count first. */
export function sortBy(sort: readonly SortKey[], field: string, add: boolean): SortKey[] {
  const known = sort.find(key => key.field === field);
  const others = add ? sort.filter(key => key.field !== field) : [];
  if (known?.descending) {
    return others;
  }
  const next = { field, descending: known !== undefined };
  return add && known ? sort.map(key => (key === known ? next : key)) : [...others, next];
}

/** Put one column's conditions in place of those it had. */
export function filterBy(filter: readonly Filter[], field: string, next: Filter[]): Filter[] {
  return [...filter.filter(one => one.column !== field), ...next];
}

/** Fields as they are shown: pinned ones first, hidden ones not. */
export function shownFields(fields: readonly string[], state: GridState): string[] {
  const known = new Set(fields);
  const chosen = state.order.filter(field => known.has(field));
  const placed = new Set(chosen);
  const all = chosen.length > 0 ? merged(fields, chosen, placed) : [...fields];
  const hidden = new Set(state.hidden);
  const pinned = new Set(state.pinned);
  const seen = all.filter(field => !hidden.has(field));
  return [...seen.filter(field => pinned.has(field)), ...seen.filter(field => !pinned.has(field))];
}

/** New columns come after the one that they follow in the table. */
function merged(fields: readonly string[], chosen: string[], placed: Set<string>): string[] {
  const all = [...chosen];
  fields.forEach((field, at) => {
    if (!placed.has(field)) {
      const before = at === 0 ? -1 : all.indexOf(fields[at - 1] ?? '');
      all.splice(before + 1, 0, field);
    }
  });
  return all;
}

/** Move a column next to another one. */
export function moved(shown: readonly string[], field: string, to: number): string[] {
  const rest = shown.filter(one => one !== field);
  const place = Math.max(0, Math.min(rest.length, to));
  return [...rest.slice(0, place), field, ...rest.slice(place)];
}

/** Add or take away one of a list. */
export function toggled(list: readonly string[], one: string): string[] {
  return list.includes(one) ? list.filter(other => other !== one) : [...list, one];
}

/** Whether rows are left out. */
export function narrowed({ filter, q }: View): boolean {
  return filter.length > 0 || q !== '';
}

/** What a condition says, after the column's name. */
export function filterWords(filter: Filter, text: (cell: Cell) => string): string {
  switch (filter.op) {
    case 'null':
      return 'is null';
    case 'not_null':
      return 'is not null';
    case 'contains':
      return `contains “${filter.text}”`;
    case 'equals':
      return `is ${text(filter.value)}`;
    case 'in': {
      const { values } = filter;
      const words = values.slice(0, 3).map(text).join(', ');
      return `is ${words}${values.length > 3 ? ` or ${values.length - 3} more` : ''}`;
    }
    case 'range': {
      const { min, max } = filter;
      return min !== null && max !== null
        ? `from ${text(min)} to ${text(max)}`
        : min !== null
          ? `≥ ${text(min)}`
          : `≤ ${text(max)}`;
    }
  }
}

/**
 * How a table is looked at to begin with: as this tab left it, without what it no longer has. Index levels stay in sight
 * until a person chooses otherwise.
 */
export function begun(name: string | null, columns: readonly Column[]): GridState {
  const kept = name === null ? FRESH : restored(name);
  const fields = new Set(columns.map(({ field }) => field));
  const { sort, filter, q } = kept.view;
  return {
    ...kept,
    pinned: kept === FRESH ? levels(columns) : kept.pinned,
    hidden: kept.hidden.filter(field => fields.has(field)),
    view: {
      sort: sort.filter(({ field }) => fields.has(field)),
      filter: filter.filter(({ column }) => fields.has(column)),
      q
    }
  };
}

/** The levels of the index. */
export function levels(columns: readonly Column[]): string[] {
  return columns.filter(({ index }) => index).map(({ field }) => field);
}

const KEPT = 'nb-artifacts:grid:';

/** The state that this tab kept for an artifact's key; fresh if there is none. */
function restored(name: string): GridState {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEPT + name) ?? 'null');
    return isState(kept) ? { ...FRESH, ...kept, view: { ...ALL, ...kept.view } } : FRESH;
  } catch {
    return FRESH;
  }
}

/** Keep it as long as the tab lives. */
export function keep(name: string, state: GridState): void {
  try {
    sessionStorage.setItem(
      KEPT + name,
      JSON.stringify(state, (_key, value: unknown) =>
        typeof value === 'bigint' ? value.toString() : value
      )
    );
  } catch {
    // no storage: the state lives as long as the view
  }
}

function isState(value: unknown): value is GridState {
  const state = value as Partial<GridState> | null;
  const texts = (list: unknown): boolean =>
    Array.isArray(list) && list.every(one => typeof one === 'string');
  return (
    state !== null &&
    typeof state === 'object' &&
    [state.order, state.hidden, state.pinned].every(texts) &&
    Array.isArray(state.widths) &&
    Array.isArray(state.view?.sort) &&
    Array.isArray(state.view.filter) &&
    typeof state.view.q === 'string'
  );
}
