/** Cards of artifacts under a cell whose outputs do not have them. Not part of the document. */

import type { CodeCell } from '@jupyterlab/cells';
import { PanelLayout, Widget } from '@lumino/widgets';
import type { Client } from '../client';
import { tools } from '../frontend';
import { openSource } from '../source';
import { mountCard } from '../views';
import { h, notice, reason } from '../views/dom';

/** One cell's cards, each live until it is taken away. */
export class Overlay extends Widget {
  private readonly shown = new Map<string, { element: HTMLElement; ended: AbortController }>();
  private readonly area = h('div', 'jp-OutputArea jp-nba-lost-area');
  private readonly words = h('p', 'jp-nba-lost-words', { role: 'note' });

  constructor(private readonly client: Client) {
    super();
    this.addClass('jp-nba-lost');
    this.node.append(this.area, this.words);
  }

  override dispose(): void {
    this.shown.forEach(({ ended }) => ended.abort());
    this.shown.clear();
    super.dispose();
  }

  /** Stand under the cell's outputs, once the cell has any room for them. */
  async stand(cell: CodeCell): Promise<void> {
    await cell.ready;
    const { layout } = cell;
    if (!this.isDisposed && !cell.isDisposed && layout instanceof PanelLayout) {
      layout.insertWidget(layout.widgets.length - 1, this);
    }
  }

  /** Show these artifacts, in this order, and why they stand here. */
  list(ids: readonly string[], why: string): void {
    for (const [id, { element, ended }] of this.shown) {
      if (!ids.includes(id)) {
        ended.abort();
        element.remove();
        this.shown.delete(id);
      }
    }
    for (const id of ids) {
      if (!this.shown.has(id)) {
        this.shown.set(id, this.card(id));
      }
    }
    const elements = ids.map(id => (this.shown.get(id) as { element: HTMLElement }).element);
    if (elements.some((element, index) => this.area.children[index] !== element)) {
      this.area.replaceChildren(...elements);
    }
    if (this.words.textContent !== why) {
      this.words.textContent = why;
    }
  }

  private card(id: string): { element: HTMLElement; ended: AbortController } {
    const ended = new AbortController();
    const host = h('div', 'jp-OutputArea-output jp-nba-output');
    const element = h(
      'div',
      'jp-OutputArea-child',
      {},
      h('div', 'jp-OutputPrompt jp-OutputArea-prompt'),
      host
    );
    openSource(this.client, id, tools(), ended.signal).then(
      source => mountCard(host, source, ended.signal),
      (error: unknown) => ended.signal.aborted || host.replaceChildren(notice(reason(error)))
    );
    return { element, ended };
  }
}
