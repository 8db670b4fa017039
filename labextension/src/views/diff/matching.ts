/** Which columns match the rows of two tables, and a menu to choose others and how much numbers may differ. */

import { GUESS } from '../../diff';
import type { DiffAsk, TableDiff } from '../../diff';
import { columnChecks } from '../columnchecks';
import { button, h } from '../dom';
import { closePopover, opens } from '../popover';

/** Columns as the menu's button names them; more are counted. */
const NAMED = 4;

/** "Rows matched by [carrier (guessed) ▾]", and what a reader should know of that match. */
export function matching(
  diff: TableDiff,
  ask: DiffAsk,
  choose: (ask: DiffAsk) => void,
  signal: AbortSignal
): HTMLElement {
  const shared = [...new Set([...diff.keys, ...diff.columns.map(({ field }) => field)])];
  const by = h('bdi', '', {}, matchedBy(diff));
  const line = h('p', 'jp-nba-diff-match', {}, h('span', '', {}, 'Rows matched by '));
  if (shared.length === 0) {
    line.append(by);
  } else {
    const menu = button('', 'Choose the columns that name a row', () => undefined);
    menu.append(by, h('span', '', { 'aria-hidden': 'true' }, ' ▾'));
    menu.classList.add('jp-nba-diff-keys');
    opens(menu, 'How rows are matched', () => form(shared, diff, ask, choose), signal);
    line.append(menu);
  }
  const notes = [matchedNote(diff), toleranceNote(ask)].filter(Boolean).join(' ');
  line.append(notes && h('span', '', {}, ` ${notes}`));
  return line;
}

/** "carrier, month (guessed)". */
export function matchedBy({ keys, matched_by: by }: TableDiff): string {
  if (by === 'position' || keys.length === 0) {
    return 'their place';
  }
  const how = by === 'guessed' ? ' (guessed)' : by === 'index' ? ' (the index)' : '';
  const rest = keys.length > NAMED ? ` and ${keys.length - NAMED} more` : '';
  return `${keys.slice(0, NAMED).join(', ')}${rest}${how}`;
}

export function matchedNote({ keys, keys_unique: unique }: TableDiff): string {
  if (keys.length === 0) {
    return 'No column names them.';
  }
  return unique ? '' : 'Some rows share a key: those are matched in order.';
}

function toleranceNote({ tolerance }: DiffAsk): string {
  return tolerance > 0 ? `Numbers within ${tolerance} count as equal.` : '';
}

function form(
  shared: string[],
  diff: TableDiff,
  ask: DiffAsk,
  choose: (ask: DiffAsk) => void
): Node[] {
  let keys = [...(ask.keys ?? diff.keys)].filter(field => shared.includes(field));
  const checks = columnChecks({
    fields: shared,
    name: field => field,
    has: field => keys.includes(field),
    change: (field, on) => {
      keys = on ? [...keys, field] : keys.filter(one => one !== field);
    }
  });
  const box = h('input', 'jp-nba-input', {
    type: 'text',
    inputmode: 'decimal',
    autocomplete: 'off',
    placeholder: '0'
  });
  box.value = ask.tolerance > 0 ? String(ask.tolerance) : '';
  const said = h('p', 'jp-nba-popover-error', { role: 'alert', hidden: true });
  const act = (guess: boolean): void => {
    const tolerance = toleranceOf(box.value);
    said.hidden = tolerance !== null;
    if (tolerance === null) {
      said.textContent = 'How much numbers may differ is a number of 0 or more.';
      box.focus();
      return;
    }
    // Where what was found is left as it is, another version may be matched by something else.
    const untouched = ask.keys === null && keys.join('\n') === diff.keys.join('\n');
    closePopover();
    choose({ keys: guess || untouched || keys.length === 0 ? GUESS.keys : keys, tolerance });
  };
  const compare = h('button', 'jp-nba-button jp-mod-main', { type: 'submit' }, 'Compare');
  const back = button('Guess', 'Look for columns that name the rows', () => act(true));
  const content = h(
    'form',
    'jp-nba-filter',
    { novalidate: true },
    h('p', 'jp-nba-popover-words', {}, 'Columns that name a row'),
    ...checks.parts,
    h('label', 'jp-nba-diff-tolerance', {}, 'Numbers may differ by', box),
    said,
    h('div', 'jp-nba-choices', {}, compare, ask.keys !== null && back)
  );
  content.addEventListener('submit', event => {
    event.preventDefault();
    act(false);
  });
  return [content];
}

/** What was typed as a number of 0 or more; null for what is none. */
export function toleranceOf(text: string): number | null {
  const plain = text.trim();
  const number = Number(plain || '0');
  return Number.isFinite(number) && number >= 0 ? number : null;
}
