/** "Compare with …" on the stand-alone page: a choice of another version, and what changed from it. */

import type { Client } from '../client';
import { GUESS } from '../diff';
import { ago } from '../format';
import { mountDiff } from '../views/diff';
import { h } from '../views/dom';
import type { WireRecord } from '../wire';

/** The line with the choice and the place of the comparison; `draw` tells it which versions there are. */
export class Compare {
  readonly select = h('select', '', { 'aria-label': 'Compare with' });
  readonly line = h('label', 'jp-nba-compare', { hidden: true }, this.select);
  readonly element = h('section', 'nba-changes', { 'aria-label': 'Changes', hidden: true });
  private ended = new AbortController();
  /** How tables are compared: the same for every version that is chosen. */
  private ask = GUESS;

  constructor(
    private readonly client: Client,
    private readonly record: WireRecord,
    signal: AbortSignal
  ) {
    this.select.addEventListener('change', () => this.show(this.select.value));
    signal.addEventListener('abort', () => this.ended.abort(), { once: true });
  }

  draw(versions: WireRecord[]): void {
    const others = versions.filter(({ id }) => id !== this.record.id);
    const chosen = this.select.value;
    this.line.hidden = others.length === 0;
    this.select.replaceChildren(
      h('option', '', { value: '' }, 'Compare with …'),
      ...others.map(one =>
        h('option', '', { value: one.id }, `v${one.version ?? '?'} · ${ago(one.created)}`)
      )
    );
    this.select.value = others.some(({ id }) => id === chosen) ? chosen : '';
  }

  private show(id: string): void {
    this.ended.abort();
    this.ended = new AbortController();
    const { signal } = this.ended;
    this.element.hidden = id === '';
    if (id !== '') {
      void mountDiff(
        this.element,
        {
          ask: this.ask,
          load: (ask, offset, until) => this.client.diff(id, this.record.id, ask, offset, until),
          blob: one => this.client.blob(one, signal),
          chosen: ask => (this.ask = ask)
        },
        signal
      );
    }
  }
}
