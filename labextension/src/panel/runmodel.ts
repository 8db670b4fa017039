/** Where an artifact comes from: its run, the runs around it, and everything they made. Signals, no DOM. */
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { Client } from '../client';
import type { Change, Run, WireRecord } from '../wire';

const DEEPEST = 20;
const MOST = 200;

/** One run and what it made itself. */
export interface Made {
  run: Run;
  records: WireRecord[];
}

/** Reads the runs of one artifact once, then follows them. */
export class RunModel implements IDisposable {
  readonly changed = new Signal<this, void>(this);
  state: 'loading' | 'ready' | 'error' = 'loading';
  error = '';
  /** The run that made the artifact first, then the one that it was part of, and so on outwards. */
  chain: Run[] = [];
  /** Artifacts that the run read. */
  inputs: WireRecord[] = [];
  /** Whether there are more runs or artifacts than are listed. */
  cut = false;

  private runs = new Map<string, Run>();
  private records = new Map<string, WireRecord>();
  private readonly ended = new AbortController();
  private turn = 0;
  /** What came while answers were on their way. */
  private meanwhile: Change[] | null = null;

  constructor(
    private readonly client: Client,
    readonly record: WireRecord
  ) {
    const follow = { change: (change: Change) => this.hear(change), reset: () => void this.load() };
    client.changes.subscribe(follow, this.ended.signal);
    void this.load();
  }

  get isDisposed(): boolean {
    return this.ended.signal.aborted;
  }

  dispose(): void {
    this.ended.abort();
    Signal.clearData(this);
  }

  /** The innermost run: the cell, the task, or the session of a script. */
  get run(): Run | null {
    return this.chain[0] ?? null;
  }

  /** The outermost run: the life of the kernel or of the script. */
  get session(): Run | null {
    return this.chain.at(-1) ?? null;
  }

  /** Every run of the session, in the order they began, with what each made. */
  get made(): Made[] {
    const byRun = new Map<string, WireRecord[]>();
    for (const record of this.records.values()) {
      const run = record.task_run_id ?? record.flow_run_id ?? '';
      byRun.set(run, [...(byRun.get(run) ?? []), record]);
    }
    return [...this.runs.values()]
      .map(run => ({ run, records: (byRun.get(run.id) ?? []).sort(byId) }))
      .filter(({ run, records }) => run.kind !== 'session' || records.length > 0)
      .sort((a, b) => Date.parse(a.run.started) - Date.parse(b.run.started));
  }

  /** Read everything again. What was asked for last counts, and what came meanwhile is newer than that. */
  async load(): Promise<void> {
    const turn = (this.turn += 1);
    const heard: Change[] = (this.meanwhile = []);
    try {
      const chain = await this.climb();
      const session = chain.at(-1);
      const [made, runs, inputs] = session
        ? await Promise.all([
            this.client.filter({ run: session.id, sort: 'ID_DESC', limit: MOST }),
            this.client.runs({ session_id: { any_: [session.id] }, limit: MOST }),
            this.read(chain[0])
          ])
        : [[], [], []];
      if (turn !== this.turn) {
        return;
      }
      this.chain = chain;
      this.cut = made.length === MOST || runs.length === MOST;
      this.records = new Map(made.map(record => [record.id, record]));
      this.runs = new Map([...chain, ...runs].map(run => [run.id, run]));
      this.inputs = inputs;
      this.state = 'ready';
      heard.forEach(change => this.take(change));
    } catch (error) {
      if (turn !== this.turn) {
        return;
      }
      this.error = error instanceof Error ? error.message : String(error);
      this.state = this.chain.length > 0 ? 'ready' : 'error';
    }
    this.meanwhile = null;
    this.emit();
  }

  private async climb(): Promise<Run[]> {
    const chain: Run[] = [];
    let next = this.record.task_run_id ?? this.record.flow_run_id;
    while (next !== null && chain.length < DEEPEST && !chain.some(run => run.id === next)) {
      const run: Run = await this.client.run(next);
      chain.push(run);
      next = run.parent_id ?? (run.session_id === run.id ? null : run.session_id);
    }
    return chain;
  }

  private async read(run: Run | undefined): Promise<WireRecord[]> {
    const ids = run?.provenance.inputs ?? [];
    return ids.length === 0
      ? []
      : this.client.filter({ artifacts: { id: { any_: ids.slice(0, MOST) } }, limit: MOST });
  }

  private hear(change: Change): void {
    this.meanwhile?.push(change);
    if (this.take(change)) {
      this.emit();
    }
  }

  /** Whether a change is about something that is shown. */
  private take({ record, run, deleted }: Change): boolean {
    if (run && (this.runs.has(run.id) || run.session_id === this.session?.id)) {
      this.runs.set(run.id, run);
      this.chain = this.chain.map(known => (known.id === run.id ? run : known));
      return true;
    }
    if (record && this.runs.has(record.task_run_id ?? record.flow_run_id ?? '')) {
      if ((this.records.get(record.id)?.seq ?? 0) <= record.seq) {
        this.records.set(record.id, record);
      }
      return true;
    }
    return Boolean(deleted && this.records.delete(deleted.id));
  }

  private emit(): void {
    if (!this.isDisposed) {
      this.changed.emit();
    }
  }
}

function byId(a: WireRecord, b: WireRecord): number {
  return a.id < b.id ? -1 : 1;
}
