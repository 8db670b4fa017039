/** What the cells of one notebook made, by the newest run of each, as the store has it. Signals, no DOM. */

import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import { PAGE } from '../client';
import type { Client } from '../client';
import type { Change, Run, RunQuery, WireRecord } from '../wire';
import { newest } from './lost';

/** Pages of runs that are read at most: the newest run of a cell is seldom further away. */
const PAGES = 5;

/** The newest run of a cell, and what it and the runs below it made. */
export interface Made {
  run: Run;
  records: Map<string, WireRecord>;
}

/** Where a notebook's runs are looked for. */
export interface Where {
  kernel: string | null;
  /** The notebook's file as kernels name it; null where the server does not say. */
  path: string | null;
  cells: ReadonlySet<string>;
}

/** Follows the store until it is disposed. `changed` carries the id of a cell, or null for all. */
export class MadeModel implements IDisposable {
  readonly changed = new Signal<this, string | null>(this);
  readonly cells = new Map<string, Made>();

  private readonly ended = new AbortController();
  /** The cell of each run, of those below a cell's too. */
  private readonly owners = new Map<string, string>();
  private loading: Promise<void> | null = null;
  private again = false;
  private meanwhile: Change[] = [];

  /** `wanted` tells whether what a run made is worth asking for. */
  constructor(
    private readonly client: Client,
    private readonly where: () => Where,
    private readonly wanted: (run: Run, cell: string) => boolean
  ) {
    client.changes.subscribe(
      { change: change => this.follow(change), reset: () => void this.load() },
      this.ended.signal
    );
  }

  get isDisposed(): boolean {
    return this.ended.signal.aborted;
  }

  dispose(): void {
    this.ended.abort();
    Signal.clearData(this);
  }

  /** Read everything again. Where the store does not answer, what is known stays, until the feed is back. */
  load(): Promise<void> {
    this.again = this.loading !== null;
    this.loading ??= this.read()
      .catch(() => undefined)
      .finally(() => {
        this.loading = null;
        if (this.again && !this.isDisposed) {
          void this.load();
        }
      });
    return this.loading;
  }

  private async read(): Promise<void> {
    const where = this.where();
    if (where.cells.size === 0) {
      return;
    }
    const queries: RunQuery[] = [];
    if (where.kernel !== null) {
      queries.push({ kernel_id: where.kernel });
    }
    if (where.path !== null) {
      queries.push({ notebook: where.path });
    }
    const found = await Promise.all(queries.map(query => this.runs(query, where.cells)));
    for (const [cell, run] of newest(found.flat())) {
      if (where.cells.has(cell)) {
        await this.take(run, cell);
      }
    }
    this.meanwhile.splice(0).forEach(change => this.apply(change));
    this.emit(null);
  }

  private async runs(query: RunQuery, cells: ReadonlySet<string>): Promise<Run[]> {
    const runs: Run[] = [];
    const seen = new Set<string>();
    for (let page = 0; page < PAGES && !this.isDisposed; page++) {
      const some = await this.client.runs({
        ...query,
        kind: ['cell'],
        limit: PAGE,
        offset: page * PAGE
      });
      runs.push(...some);
      some.forEach(
        run => cells.has(run.provenance.cell_id ?? '') && seen.add(run.provenance.cell_id ?? '')
      );
      if (some.length < PAGE || seen.size === cells.size) {
        break;
      }
    }
    return runs;
  }

  /** Enter a run as its cell's newest, with what it made so far where that is wanted. */
  private async take(run: Run, cell: string): Promise<void> {
    const known = this.cells.get(cell);
    if (known && Date.parse(known.run.started) > Date.parse(run.started)) {
      return;
    }
    const made = {
      run,
      records: known?.run.id === run.id ? known.records : new Map<string, WireRecord>()
    };
    this.cells.set(cell, made);
    this.owners.set(run.id, cell);
    if (this.wanted(run, cell)) {
      const records = await this.client.filter({ run: run.id, sort: 'ID_DESC', limit: PAGE });
      records.forEach(record => this.place(made, record));
    }
  }

  private place(made: Made, record: WireRecord): boolean {
    const known = made.records.get(record.id);
    if (known && known.seq >= record.seq) {
      return false;
    }
    made.records.set(record.id, record);
    const cell = made.run.provenance.cell_id ?? '';
    for (const run of [record.task_run_id, record.flow_run_id]) {
      if (run !== null && run !== made.run.parent_id && !this.owners.has(run)) {
        this.owners.set(run, cell);
      }
    }
    return true;
  }

  private follow(change: Change): void {
    if (this.loading !== null) {
      this.meanwhile.push(change);
    } else {
      this.apply(change);
    }
  }

  private apply({ run, record, deleted }: Change): void {
    if (run) {
      this.hear(run);
    } else if (record) {
      const cell =
        this.owners.get(record.task_run_id ?? '') ?? this.owners.get(record.flow_run_id ?? '');
      const made = cell === undefined ? undefined : this.cells.get(cell);
      if (cell !== undefined && made && this.place(made, record)) {
        this.emit(cell);
      }
    } else if (deleted) {
      for (const [cell, made] of this.cells) {
        if (made.records.delete(deleted.id)) {
          this.emit(cell);
        }
      }
    }
  }

  private hear(run: Run): void {
    const cell = run.provenance.cell_id ?? '';
    const { kernel, path, cells } = this.where();
    const { kernel_id, notebook } = run.provenance;
    if (run.kind !== 'cell') {
      const owner = this.owners.get(run.parent_id ?? '');
      if (owner !== undefined) {
        this.owners.set(run.id, owner);
      }
    } else if (this.cells.get(cell)?.run.id === run.id) {
      (this.cells.get(cell) as Made).run = run;
      this.emit(cell);
    } else if (
      cells.has(cell) &&
      ((kernel && kernel_id === kernel) || (path && notebook === path))
    ) {
      void this.take(run, cell).then(
        () => this.emit(cell),
        () => undefined // the feed asks for everything anew once the store answers again
      );
    }
  }

  private emit(cell: string | null): void {
    if (!this.isDisposed) {
      this.changed.emit(cell);
    }
  }
}
