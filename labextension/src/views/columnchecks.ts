/** Columns of a table to tick, found by a part of their name where there are many. */

import { count } from '../format';
import { h } from './dom';

const FEW = 12;
const LISTED = 200;

export interface ColumnChecks {
  fields: readonly string[];
  name: (field: string) => string;
  /** A quiet word beside the name. */
  note?: (field: string) => string;
  has: (field: string) => boolean;
  change: (field: string, on: boolean) => void;
}

/** The box for a part of the name, where there is one, and the list; `draw` shows again what is ticked. */
export function columnChecks(look: ColumnChecks): { parts: HTMLElement[]; draw: () => void } {
  const list = h('div', 'jp-nba-values jp-mod-tall');
  const filter = h('input', 'jp-nba-input', {
    type: 'search',
    placeholder: 'Name',
    'aria-label': 'Columns by name'
  });
  const row = (field: string): HTMLElement => {
    const box = h('input', '', { type: 'checkbox' });
    box.checked = look.has(field);
    box.addEventListener('change', () => look.change(field, box.checked));
    const note = look.note && h('span', '', {}, look.note(field));
    return h('label', '', {}, box, h('bdi', '', {}, look.name(field) || ' '), note);
  };
  const draw = (): void => {
    const text = filter.value.toLowerCase();
    const found = look.fields.filter(field => look.name(field).toLowerCase().includes(text));
    list.replaceChildren(...found.slice(0, LISTED).map(row));
    if (found.length > LISTED) {
      const rest = `${count(found.length - LISTED)} more: type a part of the name`;
      list.append(h('small', '', {}, rest));
    }
  };
  filter.addEventListener('input', draw);
  draw();
  return { parts: [...(look.fields.length > FEW ? [filter] : []), list], draw };
}
