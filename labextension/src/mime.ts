/**
 * The renderer of our outputs: the live view of the artifact that the reference names, and the output's own static
 * HTML where this store has no such artifact. Trusted and untrusted notebooks look the same.
 */

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';
import { RequestError, sharedClient } from './client';
import { tools } from './frontend';
import { part, referenceOf } from './reference';
import { sanitized } from './sanitize';
import { openSource } from './source';
import type { Source } from './source';
import { within } from './sse';
import { mountCard } from './views';
import { notice } from './views/dom';
import { savedCopy, skeleton } from './views/saved';
import { holdStill } from './views/still';
import { MIME } from './wire';
import type { Reference } from './wire';

const PATIENCE = 1000;

/** How long after the last part of a view it may still get its final height. */
const SETTLING = 1000;

const NOT_HERE = 'Saved copy: not in this store';
const LOG_IN = 'Saved copy: the server asks you to log in again';

class Output extends Widget implements IRenderMime.IRenderer {
  private live: AbortController | null = null;
  private shown: string | null = null;
  private model: IRenderMime.IMimeModel | null = null;
  /** Why the saved copy is shown, while it is. */
  private why: string | null = null;

  constructor(private readonly options: IRenderMime.IRendererOptions) {
    super();
    this.addClass('jp-nba-output');
  }

  /** Resolves with the first thing shown; the live view may come later. */
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.model = model;
    const reference = referenceOf(model.data);
    if (reference === null) {
      this.fallBack(null, NOT_HERE);
    } else if (reference.id !== this.shown) {
      await this.load(reference);
    } else if (this.why !== null) {
      this.fallBack(reference, this.why);
    }
  }

  override dispose(): void {
    this.live?.abort();
    super.dispose();
  }

  private async load(reference: Reference): Promise<void> {
    this.live?.abort();
    const controller = new AbortController();
    this.live = controller;
    const { signal } = controller;
    if (this.why === null || this.shown !== reference.id) {
      this.node.replaceChildren(skeleton(reference, this.node.clientWidth || 700));
    }
    this.shown = reference.id;
    const client = sharedClient();
    const opening = openSource(client, reference.id, tools(this.options), signal, reference.store);
    opening.then(
      source => this.mount(source, signal),
      (error: unknown) => this.refuse(error, reference, signal)
    );
    try {
      await within(PATIENCE, opening);
    } catch {
      if (!signal.aborted && this.node.querySelector('.jp-mod-loading')) {
        this.fallBack(reference, `${NOT_HERE}, or it does not answer`);
      }
    }
  }

  private mount(source: Source, signal: AbortSignal): void {
    if (signal.aborted) {
      return;
    }
    this.why = null;
    const height = this.node.clientHeight;
    this.node.style.minBlockSize = `${height}px`;
    this.replace(() =>
      mountCard(this.node, source, signal).finally(() => {
        this.node.style.minBlockSize = '';
      })
    );
  }

  /** Show something else: neither what a person looks at moves, nor does the keyboard lose its place. */
  private replace(change: () => Promise<void> | void): void {
    const release = holdStill(this.node);
    const focused = this.node.contains(document.activeElement);
    void Promise.resolve(change()).finally(() => setTimeout(release, SETTLING));
    if (focused && !this.node.contains(document.activeElement)) {
      this.node.tabIndex = -1;
      this.node.focus({ preventScroll: true });
    }
  }

  private refuse(error: unknown, reference: Reference, signal: AbortSignal): void {
    if (signal.aborted) {
      return;
    }
    const reason = error instanceof RequestError ? error.reason : 'failed';
    const away = reason === 'unreachable' || reason === 'failed';
    const why = away ? `${NOT_HERE}, or it does not answer` : NOT_HERE;
    this.fallBack(reference, reason === 'denied' ? LOG_IN : why);
    if (away || reason === 'denied') {
      this.retryWhenBack(reference, signal);
    }
  }

  /** Once the store answers again, show the live view after all. */
  private retryWhenBack(reference: Reference, signal: AbortSignal): void {
    const retry = new AbortController();
    signal.addEventListener('abort', () => retry.abort(), { once: true });
    const again = (): void => {
      retry.abort();
      void this.load(reference);
    };
    const listener = { reset: again, online: (online: boolean) => online && again() };
    sharedClient().changes.subscribe(listener, retry.signal);
  }

  private fallBack(reference: Reference | null, why: string): void {
    this.why = why;
    const data = this.model?.data ?? {};
    const html = part(data, 'text/html');
    const text = part(data, 'text/plain') || reference?.preview || '';
    const pre = document.createElement('pre');
    pre.textContent = text;
    const content = html ? sanitized(html, false) : text ? pre : notice('Nothing was saved of it.');
    this.replace(() => this.node.replaceChildren(savedCopy(content, reference, why)));
  }
}

const extension: IRenderMime.IExtension = {
  id: 'nb-artifacts:mime',
  description: 'Shows artifacts in outputs.',
  rendererFactory: {
    safe: true,
    mimeTypes: [MIME],
    createRenderer: options => new Output(options)
  },
  rank: -20,
  dataType: 'json'
};

export default extension;
