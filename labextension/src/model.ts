/** What the panel shows: the newest version of every key, as it changes. Signals, no DOM. */

import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';
import { PAGE, RequestError } from './client';
import type { Client, Status } from './client';
import { plain, summary, typeWord } from './format';
import type { Change, WireRecord } from './wire';

export type ModelState = 'loading' | 'ready' | 'offline' | 'error';

/** A bar that moves makes neither keys nor bytes. */
const STATUS_LATER = 10_000;
const STATUS_SOON = 1_000;
const SYNC_SOON = 3_000;
const SYNC_LATER = 20_000;
const RETRY_SHOWN = 700;
const MOST_ROUNDS = 3;

export class ArtifactsModel {
  /** Newest first by when each was made, so that a moving bar stays where it is. */
  latest: WireRecord[] = [];
  /** `offline`: what is shown was true when the store last answered. `error`: there is nothing to show. */
  state: ModelState = 'loading';
  error: string | null = null;
  status: Status | null = null;
  /** Since when the store has not answered. */
  offlineSince: Date | null = null;

  private readonly changedSignal = new Signal<this, void>(this);
  private readonly ended = new AbortController();
  private textFilter = '';
  private typeFilter: ReadonlySet<string> = new Set();
  private loading: Promise<void> | null = null;
  /** What came while a list was on its way; the list may be older. */
  private meanwhile: Change[] = [];
  /** Whether what was read of the list so far may lack something. */
  private outdated = false;
  private statusTimer: ReturnType<typeof setTimeout> | null = null;
  private statusAt = Number.POSITIVE_INFINITY;

  constructor(private readonly client: Client) {
    client.changes.subscribe(
      {
        change: change => this.follow(change),
        reset: () => this.startAgain(),
        online: online => this.setOnline(online)
      },
      this.ended.signal
    );
    void this.refresh();
  }

  get changed(): ISignal<this, void> {
    return this.changedSignal;
  }

  get isDisposed(): boolean {
    return this.ended.signal.aborted;
  }

  /** Only artifacts with this text in key, description, summary, type or tags. */
  get text(): string {
    return this.textFilter;
  }

  set text(text: string) {
    this.textFilter = text;
    this.emit();
  }

  /** Only these types; all when empty. */
  get types(): ReadonlySet<string> {
    return this.typeFilter;
  }

  set types(types: ReadonlySet<string>) {
    this.typeFilter = new Set(types);
    this.emit();
  }

  visible(): WireRecord[] {
    const words = this.textFilter.toLowerCase().split(/\s+/).filter(Boolean);
    return this.latest.filter(record => {
      const typed = this.typeFilter.size === 0 || this.typeFilter.has(record.type ?? '');
      return typed && (words.length === 0 || contains(record, words));
    });
  }

  /** How many keys there are of each type. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { type } of this.latest) {
      counts.set(type ?? '', (counts.get(type ?? '') ?? 0) + 1);
    }
    return counts;
  }

  /** Ask for everything anew. Never rejects: `state` and `error` tell. */
  refresh(): Promise<void> {
    if (this.loading === null) {
      this.loading = this.load().finally(() => (this.loading = null));
    }
    return this.loading;
  }

  /** Let the server try at once to send what waits. Never rejects: the status tells. */
  async retrySync(): Promise<void> {
    await this.client.retrySync().catch(() => undefined);
    await new Promise(resolve => setTimeout(resolve, RETRY_SHOWN));
    await this.readStatus();
  }

  dispose(): void {
    this.ended.abort();
    if (this.statusTimer !== null) {
      clearTimeout(this.statusTimer);
    }
    Signal.clearData(this);
  }

  /** Changes were missed: a list that is on its way may be older than those. */
  private startAgain(): void {
    this.outdated = true;
    void this.refresh();
  }

  /** Every key; read again where something moved the pages meanwhile. */
  private async readAll(): Promise<WireRecord[]> {
    for (let round = 1; ; round += 1) {
      this.outdated = false;
      this.meanwhile = [];
      const records = await this.readPages(round === MOST_ROUNDS);
      if (!this.outdated || round === MOST_ROUNDS || this.isDisposed) {
        return records;
      }
    }
  }

  /** Page by page, each key once; ends early where it is outdated, unless it is the `last` try. */
  private async readPages(last: boolean): Promise<WireRecord[]> {
    const found = new Map<string | null, WireRecord>();
    for (let offset = 0; ;) {
      const page = await this.client.latest({ sort: 'NEWEST', limit: PAGE, offset });
      offset += page.length;
      page.forEach(record => found.has(record.key) || found.set(record.key, record));
      if (this.state === 'loading') {
        this.latest = ordered([...found.values()]);
        this.emit();
      }
      if (page.length < PAGE || this.isDisposed || (this.outdated && !last)) {
        return [...found.values()];
      }
    }
  }

  private async load(): Promise<void> {
    try {
      this.latest = ordered(await this.readAll());
      this.meanwhile.forEach(change => this.apply(change));
      this.state = 'ready';
      this.error = null;
      this.offlineSince = null;
      this.askStatus(0);
    } catch (error) {
      this.fail(error);
    }
    this.emit();
  }

  private fail(error: unknown): void {
    this.error = error instanceof Error ? error.message : String(error);
    const away = error instanceof RequestError && error.reason === 'unreachable';
    this.state = this.latest.length > 0 || away ? 'offline' : 'error';
    this.offlineSince ??= new Date();
  }

  private setOnline(online: boolean): void {
    if (online && this.state !== 'ready') {
      void this.refresh();
    } else if (!online && this.state === 'ready') {
      this.state = 'offline';
      this.error = this.client.awayWords;
      this.offlineSince = new Date();
      this.emit();
    }
  }

  private follow(change: Change): void {
    if (this.loading !== null) {
      this.meanwhile.push(change);
      this.outdated ||= Boolean(change.deleted); // what follows it stands on another page now
    }
    this.apply(change);
  }

  private apply(change: Change): void {
    const { record, deleted } = change;
    const known = record && this.latest.some(({ id }) => id === record.id);
    if (record && record.key !== null) {
      this.place(record);
    } else if (deleted) {
      this.forget(deleted.id);
    }
    if (!change.run) {
      this.askStatus(known ? STATUS_LATER : STATUS_SOON);
    }
  }

  private place(record: WireRecord): void {
    const at = this.latest.findIndex(known => known.key === record.key);
    const known = this.latest[at];
    if (known === undefined) {
      this.latest = ordered([record, ...this.latest]);
    } else if (known.id === record.id && known.seq > record.seq) {
      return;
    } else if (known.id === record.id) {
      this.latest = replaced(this.latest, at, { ...record, data: record.data ?? known.data });
      if (known.version === null && record.version !== null) {
        this.askNewest(record.key ?? ''); // others may have published under higher numbers meanwhile
      }
    } else if (newer(record, known)) {
      this.latest = ordered(replaced(this.latest, at, record));
    } else {
      return;
    }
    this.emit();
  }

  private forget(id: string): void {
    const gone = this.latest.find(record => record.id === id);
    if (gone?.key == null) {
      return;
    }
    this.latest = this.latest.filter(record => record.id !== id);
    this.emit();
    this.askNewest(gone.key);
  }

  private askNewest(key: string): void {
    this.client
      .latest({ artifacts: { key: { any_: [key] } }, limit: 1 })
      .then(newest => newest.forEach(record => this.isDisposed || this.place(record)))
      .catch(() => this.refresh());
  }

  private askStatus(delay: number): void {
    const at = Date.now() + delay;
    if (this.statusTimer !== null && at >= this.statusAt) {
      return;
    }
    if (this.statusTimer !== null) {
      clearTimeout(this.statusTimer);
    }
    this.statusAt = at;
    this.statusTimer = setTimeout(() => {
      this.statusTimer = null;
      void this.readStatus();
    }, delay);
  }

  /** Where artifacts are sent on, how that stands changes by itself: ask again, soon while something waits. */
  private async readStatus(): Promise<void> {
    try {
      this.status = await this.client.status();
    } catch {
      if (this.status?.sync && !this.isDisposed) {
        this.askStatus(SYNC_LATER);
      }
      return; // the feed says when the store is away
    }
    const { sync } = this.status;
    if (sync && !this.isDisposed) {
      this.askStatus(sync.pending > 0 || sync.problem !== null ? SYNC_SOON : SYNC_LATER);
    }
    this.emit();
  }

  private emit(): void {
    if (!this.isDisposed) {
      this.changedSignal.emit();
    }
  }
}

/** Lists of a remote that numbers nothing have no `seq` either. */
function isPending(record: WireRecord): boolean {
  return record.key !== null && record.version === null && record.seq > 0;
}

/** Whether `one` is the newer version; what has no number yet has just been made here. */
function newer(one: WireRecord, other: WireRecord): boolean {
  if (isPending(one) !== isPending(other)) {
    return isPending(one);
  }
  if (one.version !== null && other.version !== null) {
    return one.version > other.version;
  }
  return one.created > other.created;
}

function replaced(records: WireRecord[], at: number, record: WireRecord): WireRecord[] {
  return records.map((known, index) => (index === at ? record : known));
}

function ordered(records: WireRecord[]): WireRecord[] {
  return [...records].sort((a, b) => (a.created < b.created ? 1 : a.created > b.created ? -1 : 0));
}

const texts = new WeakMap<WireRecord, string>();

function contains(record: WireRecord, words: string[]): boolean {
  let text = texts.get(record);
  if (text === undefined) {
    const parts = [
      record.key,
      plain(record.description ?? '', 1000),
      summary(record),
      typeWord(record.type)
    ];
    text = [...parts, ...record.tags].join('\n').toLowerCase();
    texts.set(record, text); // a record never changes: a change brings another one
  }
  return words.every(word => text.includes(word));
}
