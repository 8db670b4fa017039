/** State of an artifact's page: which version is shown, which others there are. Signals, no DOM. */
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import { RequestError } from '../client';
import type { Client } from '../client';
import type { Change, WireRecord } from '../wire';

/** What a page is about: a key and all its versions, or one artifact without a key. */
export interface Subject {
  key?: string;
  /** The version to begin with; without it the page follows the newest. */
  id?: string;
}

export type PageState = 'loading' | 'ready' | 'gone' | 'error';

const PAGE = 100;

interface Read {
  key: string | null;
  record: WireRecord | null;
  versions: WireRecord[];
}

/** Follows one key, or one artifact, for as long as it is not disposed of. */
export class PageModel implements IDisposable {
  readonly changed = new Signal<this, void>(this);
  state: PageState = 'loading';
  /** Why there is nothing to show, in a sentence. */
  error = '';
  /** What the page shows. The last known one stays while the server does not answer. */
  record: WireRecord | null = null;
  /** Known versions of the key, newest first. */
  versions: WireRecord[] = [];
  /** Whether the key has older versions than those known. */
  older = false;
  /** Whether the page moves on to each new version. */
  follows: boolean;
  /** Since when the server does not answer. */
  offline: Date | null = null;

  private key: string | null;
  private wanted: string | null;
  private readonly ended = new AbortController();
  private turn = 0;
  /** What came while an answer was on its way. */
  private meanwhile: Change[] | null = null;

  constructor(
    private readonly client: Client,
    subject: Subject
  ) {
    this.key = subject.key ?? null;
    this.follows = subject.id === undefined;
    this.wanted = subject.id ?? null;
    client.changes.subscribe(
      {
        change: change => this.hear(change),
        reset: () => void this.load(),
        online: online => this.setOnline(online)
      },
      this.ended.signal
    );
    void this.load();
  }

  get isDisposed(): boolean {
    return this.ended.signal.aborted;
  }

  dispose(): void {
    this.ended.abort();
    Signal.clearData(this);
  }

  /** Read everything again. What was asked for last counts, and what came meanwhile is newer than that. */
  async load(): Promise<void> {
    const turn = (this.turn += 1);
    const heard: Change[] = (this.meanwhile = []);
    const { wanted } = this;
    try {
      const { key, record, versions } = await this.read(wanted);
      if (turn !== this.turn) {
        return;
      }
      this.key = key;
      this.versions = versions;
      this.older = versions.length === PAGE;
      this.record = wanted === this.wanted ? record : this.found(this.wanted);
      this.settle();
      heard.forEach(change => this.take(change));
    } catch (error) {
      if (turn !== this.turn) {
        return;
      }
      this.fail(error);
    }
    this.meanwhile = null;
    this.emit();
  }

  /** Know the next older versions too. */
  async loadOlder(): Promise<void> {
    const { turn } = this;
    try {
      const next = await this.page(this.key, this.versions.length);
      if (turn !== this.turn) {
        return;
      }
      this.older = next.length === PAGE;
      const known = new Set(this.versions.map(version => version.id));
      this.versions = [...this.versions, ...next.filter(version => !known.has(version.id))];
    } catch (error) {
      this.fail(error);
    }
    this.emit();
  }

  /** Stay with one version. */
  show(id: string): void {
    this.follows = false;
    this.wanted = id;
    const known = this.versions.find(version => version.id === id);
    if (known) {
      this.record = known;
      this.settle();
      this.emit();
    } else {
      void this.load();
    }
  }

  /** Show the newest version, and each that comes. */
  follow(): void {
    this.follows = true;
    this.wanted = null;
    this.record = this.versions[0] ?? this.record;
    this.settle();
    this.emit();
  }

  /** Delete the version that is shown. Rejects with a RequestError. */
  async remove(): Promise<void> {
    const { record } = this;
    if (record) {
      await this.client.remove(record.id);
      this.forget(record.id);
    }
  }

  private async read(wanted: string | null): Promise<Read> {
    let { key } = this;
    let record: WireRecord | null = null;
    if (key === null && wanted !== null) {
      record = await this.client.artifact(wanted);
      ({ key } = record);
    }
    if (key === null) {
      return { key, record, versions: [] };
    }
    const versions = await this.page(key, 0);
    if (wanted === null) {
      return { key, record: versions[0] ?? null, versions };
    }
    const known = versions.find(version => version.id === wanted);
    return { key, record: known ?? record ?? (await this.client.artifact(wanted)), versions };
  }

  private page(key: string | null, offset: number): Promise<WireRecord[]> {
    const artifacts = { key: { any_: [key ?? ''] } };
    return this.client.filter({ artifacts, sort: 'VERSION_DESC', limit: PAGE, offset });
  }

  /** What is to be shown of the known versions. */
  private found(wanted: string | null): WireRecord | null {
    const known =
      wanted === null ? this.versions[0] : this.versions.find(({ id }) => id === wanted);
    return known ?? this.record;
  }

  private settle(): void {
    this.state = this.record === null ? 'gone' : 'ready';
    this.offline = null;
  }

  private fail(error: unknown): void {
    const reason = error instanceof RequestError ? error.reason : 'failed';
    if (reason === 'missing') {
      this.record = null;
      this.state = 'gone';
    } else if (reason === 'unreachable' && this.record) {
      this.offline ??= new Date();
    } else {
      this.error = error instanceof Error ? error.message : String(error);
      this.state = this.record ? this.state : 'error';
    }
  }

  private setOnline(online: boolean): void {
    if (online && (this.offline || this.state === 'error')) {
      void this.load();
    } else if (!online && this.offline === null) {
      this.offline = new Date();
      this.emit();
    }
  }

  private hear(change: Change): void {
    this.meanwhile?.push(change);
    this.take(change);
  }

  private take(change: Change): void {
    const { record, deleted } = change;
    if (deleted) {
      this.forget(deleted.id);
    } else if (
      record &&
      (this.key === null ? record.id === this.record?.id : record.key === this.key)
    ) {
      this.learn(record);
    }
  }

  private learn(record: WireRecord): void {
    const at = this.versions.findIndex(version => version.id === record.id);
    if ((this.versions[at]?.seq ?? 0) > record.seq) {
      return;
    }
    if (at >= 0) {
      this.versions = this.versions.with(at, record).sort(newestFirst);
    } else if (this.key !== null) {
      this.versions = [record, ...this.versions].sort(newestFirst);
    }
    if (this.follows || record.id === this.record?.id) {
      this.record = this.follows ? (this.versions[0] ?? record) : record;
      this.settle();
    }
    this.emit();
  }

  private forget(id: string): void {
    const known = this.versions.some(version => version.id === id);
    this.versions = this.versions.filter(version => version.id !== id);
    if (this.record?.id === id) {
      this.record = this.follows ? (this.versions[0] ?? null) : null;
      this.settle();
    } else if (!known) {
      return;
    }
    this.emit();
  }

  private emit(): void {
    if (!this.isDisposed) {
      this.changed.emit();
    }
  }
}

function newestFirst(a: WireRecord, b: WireRecord): number {
  return (b.version ?? Infinity) - (a.version ?? Infinity) || b.seq - a.seq;
}
