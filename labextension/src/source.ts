/** A record as a view sees it: live, with its payload, its bytes and its rendering at hand, whatever brings them. */

import { RequestError } from './client';
import type { Client } from './client';
import { inlineStyles } from './css';
import { markdownFragment, typeset } from './markdown';
import type { MarkdownTools } from './markdown';
import { ServerRows } from './rows';
import type { Rows } from './rows';
import { sanitized } from './sanitize';
import { hasPages, openPage } from './pages';
import { linkUrl } from './url';
import type { Change, Run, WireRecord } from './wire';

/** What is handed to a view. It knows neither server nor front end. */
export interface Source {
  readonly record: WireRecord;
  /** Where the artifact came from, innermost first: its cell, its session. Empty where the store does not know. */
  readonly runs: readonly Run[];
  /** Made in this folder, by a run that its store knows. */
  readonly local: boolean;
  /** The artifact was deleted while it was shown. */
  readonly deleted: boolean;
  /** Called after every change, deletion included. */
  subscribe(callback: (record: WireRecord) => void, signal: AbortSignal): void;
  /** The payload's JSON value, fetched where the record came without it. */
  data(): Promise<unknown>;
  blob(): Promise<Blob>;
  /** The rows of a stored table, where something answers for them. */
  readonly rows?: Rows;
  /** Markdown, sanitised, remote images replaced by a button where they must not be loaded unasked. */
  markdown(text: string): Promise<DocumentFragment>;
  /** HTML made safe, in the same way. Colours of its own style sheets are kept where they only colour. */
  html(text: string): DocumentFragment;
  /** Set formulas in sanitised content that stands in the page, where the front end can. */
  typeset(host: HTMLElement): Promise<void>;
  /** Have the front end render the best of a MIME bundle's data types into `host`; false if it has no renderer. */
  mime?(bundle: MimeBundle, host: HTMLElement, signal: AbortSignal): Promise<boolean>;
  openUrlAllowed(url: string): boolean;
  /** Show the artifact's page, where the front end has one. */
  open?(): void;
}

export interface MimeBundle {
  data: { [mime: string]: unknown };
  metadata: { [mime: string]: unknown };
}

/** What the front end lends to sources. */
export interface Tools extends MarkdownTools {
  mime?: Source['mime'];
}

/**
 * The source of an artifact by id, of `store` only where that is given; rejects with a RequestError. It follows the
 * feed until `signal` aborts.
 */
export async function openSource(
  client: Client,
  id: string,
  tools: Tools,
  signal: AbortSignal,
  store?: string
): Promise<Source> {
  const meanwhile = new AbortController();
  const heard: Change[] = [];
  let again = false;
  client.changes.subscribe(
    {
      change: change => isAbout(change, id) && heard.push(change),
      reset: () => (again = true)
    },
    meanwhile.signal
  );
  try {
    const record = await client.artifact(id, signal, store);
    const source = new LiveSource(client, record, await runsOf(client, record), tools, signal);
    heard.forEach(change => source.hear(change));
    if (again) {
      void source.look();
    }
    return source;
  } finally {
    meanwhile.abort();
  }
}

function isAbout({ record, deleted }: Change, id: string): boolean {
  return (record?.id ?? deleted?.id) === id;
}

/** The runs that made a record, innermost first, as far as this store knows them. */
export async function runsOf(client: Client, record: WireRecord): Promise<Run[]> {
  const ids = [record.task_run_id, record.flow_run_id].filter(id => id !== null);
  const asked = await Promise.allSettled([...new Set(ids)].map(id => client.run(id)));
  const runs = asked.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []));
  const session = runs[0]?.session_id;
  if (session && !runs.some(run => run.id === session)) {
    await client.run(session).then(
      run => runs.push(run),
      () => undefined
    );
  }
  return runs;
}

class LiveSource implements Source {
  deleted = false;
  readonly open?: () => void;
  readonly mime?: Source['mime'];
  readonly rows: Rows;

  private readonly followers = new Set<(record: WireRecord) => void>();
  private payload: { seq: number; value: Promise<unknown> } | null = null;

  constructor(
    private readonly client: Client,
    public record: WireRecord,
    readonly runs: readonly Run[],
    private readonly tools: Tools,
    signal: AbortSignal
  ) {
    this.mime = tools.mime;
    this.rows = new ServerRows(client, record.id);
    if (hasPages()) {
      this.open = () => openPage({ id: this.record.id, key: this.record.key });
    }
    client.changes.subscribe(
      {
        change: change => this.hear(change),
        reset: () => void this.look()
      },
      signal
    );
  }

  get local(): boolean {
    return this.runs.length > 0 && !this.client.isElsewhere(this.record.id);
  }

  subscribe(callback: (record: WireRecord) => void, signal: AbortSignal): void {
    this.followers.add(callback);
    signal.addEventListener('abort', () => this.followers.delete(callback), { once: true });
  }

  data(): Promise<unknown> {
    if (this.record.data !== undefined) {
      return Promise.resolve(this.record.data);
    }
    if (this.payload?.seq !== this.record.seq) {
      const value = this.client.artifact(this.record.id).then(whole => whole.data);
      this.payload = { seq: this.record.seq, value };
      value.catch(() => (this.payload = null));
    }
    return (this.payload as { value: Promise<unknown> }).value;
  }

  blob(): Promise<Blob> {
    return this.client.blob(this.record.id);
  }

  markdown(text: string): Promise<DocumentFragment> {
    return markdownFragment(text, this.tools, this.local);
  }

  html(text: string): DocumentFragment {
    return sanitized(inlineStyles(text), this.local);
  }

  typeset(host: HTMLElement): Promise<void> {
    return typeset(host, this.tools);
  }

  openUrlAllowed(url: string): boolean {
    return linkUrl(url) !== null;
  }

  /** Take over a change, if it is one of this artifact. */
  hear(change: Change): void {
    if (change.record?.id === this.record.id) {
      this.update(change.record);
    } else if (change.deleted?.id === this.record.id) {
      this.remove();
    }
  }

  /** Ask how it is now. */
  async look(): Promise<void> {
    try {
      const record = await this.client.current(this.record.id);
      if (record === null) {
        this.remove();
      } else {
        this.update(record);
      }
    } catch (error) {
      if (!(error instanceof RequestError)) {
        throw error;
      }
    }
  }

  private update(record: WireRecord): void {
    const numbered = record.seq === this.record.seq && record.version !== this.record.version;
    if (record.seq > this.record.seq || numbered) {
      this.record = record;
      this.deleted = false;
      this.tell();
    }
  }

  private remove(): void {
    if (!this.deleted) {
      this.deleted = true;
      this.tell();
    }
  }

  private tell(): void {
    this.followers.forEach(follower => follower(this.record));
  }
}
