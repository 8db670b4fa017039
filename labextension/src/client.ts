/** The only file that calls the server. Settings are passed in, so that it works behind any hub. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { Diff, DiffAsk } from './diff';
import { Feed } from './feed';
import { parse } from './json';
import { MIME } from './wire';
import type { Query, Run, RunQuery, WireRecord } from './wire';

/** An output's content by MIME type. */
export interface Output {
  data: { [mime: string]: unknown };
}

/** What the store says of itself. */
export interface Status {
  store: string;
  where: string;
  artifacts: number;
  keys: number;
  blob_bytes: number;
  seq: number;
  version: string;
  sync?: Sync;
}

/** How it stands with the API that the store is sent to; left out where it is sent to none. */
export interface Sync {
  address: string;
  host: string;
  pending: number;
  oldest: string | null;
  kept_here: number;
  parked: { id: string; key: string | null; error: string }[];
  problem: 'denied' | 'unreachable' | null;
  since: string | null;
  last_error: string | null;
  last_ok: string | null;
}

export type ListQuery = Omit<Query, 'latest'>;

/** Why a request gave nothing: no such artifact, no such API, not let in, no answer, or the server failed. */
export type Reason = 'missing' | 'absent' | 'denied' | 'unreachable' | 'failed';

/** A request that gave nothing; the message is a sentence for people. */
export class RequestError extends Error {
  constructor(
    readonly reason: Reason,
    message: string,
    readonly status = 0
  ) {
    super(message);
    this.name = 'RequestError';
  }
}

/** As many records as a list gives at most. */
export const PAGE = 200;

const STORE_HEADER = 'X-NB-Artifacts-Store';
const ELSEWHERE_HEADER = 'X-NB-Artifacts-Elsewhere';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether `id` is spelled as ids are; nothing else ever becomes part of a path. */
export function isId(id: unknown): id is string {
  return typeof id === 'string' && UUID.test(id);
}

export class Client {
  /** Changes to artifacts and runs, for every view of this browser over one connection. */
  readonly changes: Feed;

  /** The store that answered last, or null before the first answer. */
  store: string | null = null;

  private readonly api: string;
  private readonly runCache = new Map<string, Promise<Run>>();
  private readonly wanted = new Set<string>();
  private readonly strangers = new Set<string>();
  private batch: Promise<Map<string, WireRecord>> | null = null;

  /** `who` is what sentences call the server. */
  constructor(
    private readonly settings: ServerConnection.ISettings,
    private readonly who = 'The Jupyter server'
  ) {
    this.api = URLExt.join(settings.baseUrl, 'nb-artifacts/api/');
    this.changes = new Feed(`nb-artifacts ${this.api}`, (since, signal) =>
      this.request(since === null ? 'events' : `events?since=${since}`, {
        signal,
        headers: { Accept: 'text/event-stream' }
      })
    );
  }

  /** That the server is away, in a sentence. */
  get awayWords(): string {
    return `${this.who} does not answer.`;
  }

  status(): Promise<Status> {
    return this.json<Status>('status');
  }

  /** Let the server try at once to send what waits. */
  async retrySync(): Promise<void> {
    await this.json('sync', { method: 'POST' });
  }

  /** The whole record, `data` included. Rejects with a RequestError; `store` names the only one that may answer. */
  async artifact(id: string, signal?: AbortSignal, store?: string): Promise<WireRecord> {
    const path = `artifacts/${checked(id)}`;
    const response = await this.request(path, { signal, headers: { Accept: MIME } });
    if (store && response.headers.get(STORE_HEADER) !== store) {
      throw new RequestError('missing', 'That artifact belongs to another store.');
    }
    const record = parse(await response.text()) as WireRecord;
    if (response.headers.has(ELSEWHERE_HEADER)) {
      this.strangers.add(record.id);
    }
    return record;
  }

  /** Whether an artifact that was fetched is not of this folder, but of the server that it is sent to. */
  isElsewhere(id: string): boolean {
    return this.strangers.has(id);
  }

  /** One record a key, its highest version. */
  latest(query: ListQuery = {}): Promise<WireRecord[]> {
    return this.post<WireRecord[]>('artifacts/latest/filter', query);
  }

  filter(query: ListQuery = {}): Promise<WireRecord[]> {
    return this.post<WireRecord[]>('artifacts/filter', query);
  }

  count(query: ListQuery = {}): Promise<number> {
    return this.post<number>('artifacts/count', query);
  }

  /** The record as it stands, without long `data`; null if it is gone. Calls made together share one request. */
  async current(id: string): Promise<WireRecord | null> {
    this.wanted.add(checked(id));
    this.batch ??= new Promise(resolve => setTimeout(resolve, 20)).then(() => this.fetchWanted());
    return (await this.batch).get(id) ?? null;
  }

  /** A run; what it said of itself once is kept while it has ended. */
  run(id: string): Promise<Run> {
    const kept = this.runCache.get(id);
    if (kept) {
      return kept;
    }
    const asked = Promise.resolve().then(() => this.json<Run>(`runs/${checked(id)}`));
    this.runCache.set(id, asked);
    asked.then(
      run => run.state === 'running' && setTimeout(() => this.runCache.delete(id), 5000),
      () => this.runCache.delete(id)
    );
    return asked;
  }

  runs(query: RunQuery = {}): Promise<Run[]> {
    return this.post<Run[]>('runs/filter', query);
  }

  /** The artifact's bytes. The browser's own cache answers a second time (strong ETag). */
  async blob(id: string, signal?: AbortSignal): Promise<Blob> {
    const response = await this.request(`artifacts/${checked(id)}/blob`, {
      signal,
      cache: 'default'
    });
    return response.blob();
  }

  /** A part of a stored table: its rows, what its columns hold, or a file of it. */
  table(
    id: string,
    part: 'rows' | 'summary' | 'export',
    params: { [name: string]: string },
    signal?: AbortSignal
  ): Promise<Response> {
    const asked = new URLSearchParams(params).toString();
    return Promise.resolve().then(() =>
      this.request(`artifacts/${checked(id)}/${part}${asked && `?${asked}`}`, { signal })
    );
  }

  /** What changed from one artifact to another, by their types; a page of examples from `offset` on. */
  diff(id: string, other: string, ask: DiffAsk, offset = 0, signal?: AbortSignal): Promise<Diff> {
    const asked = new URLSearchParams();
    if (ask.keys !== null) {
      asked.set('keys', JSON.stringify(ask.keys));
    }
    if (ask.tolerance > 0) {
      asked.set('tolerance', String(ask.tolerance));
    }
    if (offset > 0) {
      asked.set('offset', String(offset));
    }
    const query = asked.size > 0 ? `?${asked.toString()}` : '';
    return Promise.resolve().then(() =>
      this.json<Diff>(`artifacts/${checked(id)}/diff/${checked(other)}${query}`, { signal })
    );
  }

  /** The output that the kernel showed, as it would be now, made by the server. */
  output(id: string): Promise<Output> {
    return Promise.resolve().then(() => this.json<Output>(`artifacts/${checked(id)}/output`));
  }

  async remove(id: string): Promise<void> {
    await this.request(`artifacts/${checked(id)}`, { method: 'DELETE' });
  }

  private async fetchWanted(): Promise<Map<string, WireRecord>> {
    const ids = [...this.wanted];
    this.wanted.clear();
    this.batch = null;
    const found = new Map<string, WireRecord>();
    for (let start = 0; start < ids.length; start += PAGE) {
      const some = ids.slice(start, start + PAGE);
      const records = await this.filter({ artifacts: { id: { any_: some } }, limit: PAGE });
      records.forEach(record => found.set(record.id, record));
    }
    return found;
  }

  private post<T>(path: string, body: object): Promise<T> {
    return this.json<T>(path, { method: 'POST', body: JSON.stringify(body) });
  }

  private async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const headers = { Accept: MIME, ...(init.body ? { 'Content-Type': 'application/json' } : {}) };
    const response = await this.request(path, { ...init, headers });
    return parse(await response.text()) as T;
  }

  private async request(path: string, init: RequestInit = {}): Promise<Response> {
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(this.api + path, init, this.settings);
    } catch (error) {
      if (init.signal?.aborted) {
        throw error;
      }
      throw new RequestError('unreachable', this.awayWords);
    }
    const store = response.headers.get(STORE_HEADER);
    this.store = store ?? this.store;
    if (!response.ok) {
      throw await refusal(response, store !== null, this.who);
    }
    return response;
  }
}

function checked(id: string): string {
  if (!isId(id)) {
    throw new RequestError('missing', 'That is not the id of an artifact.');
  }
  return id.toLowerCase();
}

async function refusal(response: Response, ours: boolean, who: string): Promise<RequestError> {
  const { status } = response;
  if (status === 404) {
    return ours
      ? new RequestError('missing', 'There is no such artifact in this store.', status)
      : new RequestError('absent', 'The nb_artifacts server extension is not running.', status);
  }
  if (status === 401 || status === 403) {
    return new RequestError('denied', `${who} asks you to log in again.`, status);
  }
  return new RequestError(
    'failed',
    (await detail(response)) ?? `The server failed (${status}).`,
    status
  );
}

async function detail(response: Response): Promise<string | null> {
  try {
    const body = parse(await response.text()) as { detail?: unknown; message?: unknown };
    const said = body.detail ?? body.message;
    return typeof said === 'string' ? said.slice(0, 500) : null;
  } catch {
    return null;
  }
}

let shared: Client | null = null;

/** The client of this page: outputs, panel and pages follow the same connection. */
export function sharedClient(settings?: ServerConnection.ISettings, who?: string): Client {
  shared ??= new Client(settings ?? ServerConnection.makeSettings(), who);
  return shared;
}
