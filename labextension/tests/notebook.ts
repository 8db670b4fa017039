/** A notebook's cells, kernel and store for tests of what brings lost outputs back. */

import { Signal } from '@lumino/signaling';
import type { Client } from '../src/client';
import type { Output } from '../src/notebook/lost';
import { MIME } from '../src/wire';
import type { Change, Provenance, Run, RunQuery, WireRecord } from '../src/wire';
import { record } from './records';

export const KERNEL = 'kernel-1';

export function id(n: number): string {
  return `01a20ce3-9500-746c-94e0-${String(n).padStart(12, '0')}`;
}

export function run(members: Partial<Run> = {}, provenance: Provenance = {}): Run {
  return {
    id: 'r1',
    kind: 'cell',
    started: '2026-11-23T11:00:00Z',
    name: null,
    parent_id: 's',
    session_id: 's',
    state: 'running',
    ended: null,
    error: null,
    seq: 1,
    ...members,
    provenance: { cell_id: 'c', execution_count: 3, kernel_id: KERNEL, ...provenance }
  };
}

export function made(n: number, state: string, members: Partial<WireRecord> = {}): WireRecord {
  return record({
    id: id(n),
    seq: n,
    type: 'progress',
    key: `bar-${n}`,
    task_run_id: 'r1',
    flow_run_id: 's',
    info: { state, done: 1, total: 2 },
    ...members
  });
}

/** A store with a feed. `tell` is a change that arrives. */
export class FakeStore {
  runs: Run[] = [];
  records: WireRecord[] = [];
  asked: string[] = [];
  private readonly feed: { change?: (change: Change) => void; reset?: () => void }[] = [];

  readonly client = {
    changes: {
      subscribe: (handlers: (typeof this.feed)[number], signal: AbortSignal): void => {
        this.feed.push(handlers);
        signal.addEventListener('abort', () => this.feed.splice(this.feed.indexOf(handlers), 1));
      }
    },
    runs: ({ kernel_id, notebook, offset = 0, limit = 200 }: RunQuery): Promise<Run[]> => {
      this.asked.push(`runs ${kernel_id ?? notebook}`);
      const found = this.runs.filter(
        ({ provenance }) =>
          (kernel_id && provenance.kernel_id === kernel_id) ||
          (notebook && provenance.notebook === notebook)
      );
      return Promise.resolve(found.slice(offset, offset + limit));
    },
    filter: ({ run: wanted }: { run: string }): Promise<WireRecord[]> => {
      this.asked.push(`records of ${wanted}`);
      return Promise.resolve(this.records.filter(each => each.task_run_id === wanted));
    },
    output: (of: string): Promise<{ data: { [mime: string]: unknown } }> => {
      this.asked.push(`output ${of}`);
      const known = this.records.find(each => each.id === of);
      return Promise.resolve({
        data: { [MIME]: { id: of }, 'text/plain': `${known?.key} ${String(known?.info['state'])}` }
      });
    }
  } as unknown as Client;

  tell(change: Partial<Change>): void {
    this.feed.forEach(each => each.change?.({ seq: 9, kind: 'artifact', ...change }));
  }

  reset(): void {
    this.feed.forEach(each => each.reset?.());
  }

  /** A new state of an artifact, stored and told. */
  move(changed: WireRecord): void {
    const next = { ...changed, seq: changed.seq + 100 };
    this.records = [...this.records.filter(each => each.id !== next.id), next];
    this.tell({ record: next });
  }
}

class Outputs {
  constructor(public all: Output[]) {}
  toJSON(): Output[] {
    return [...this.all];
  }
  add(output: Output): void {
    this.all.push(output);
  }
  set(index: number, output: Output): void {
    this.all[index] = output;
  }
  remove(index: number): void {
    this.all.splice(index, 1);
  }
}

export interface FakeCell {
  isDisposed: boolean;
  model: {
    type: string;
    id: string;
    executionCount: number | null;
    outputs: Outputs;
    getMetadata: (of: string) => unknown;
    setMetadata: (of: string, value: unknown) => void;
  };
}

export interface FakePanel {
  content: { widgets: FakeCell[] };
  revealed: Promise<void>;
  disposed: Signal<object, unknown>;
  context: {
    ready: Promise<void>;
    path: string;
    model: { readOnly: boolean; collaborative: boolean };
    contentsModel: { last_modified: string; writable: boolean };
    pathChanged: Signal<object, unknown>;
    fileChanged: Signal<object, unknown>;
  };
  sessionContext: {
    session: { kernel: { id: string; status: string } };
    kernelChanged: Signal<object, unknown>;
    statusChanged: Signal<object, unknown>;
  };
}

/** A code cell and its model. */
export function cellOf(
  name: string,
  executionCount: number | null = null,
  outputs: Output[] = []
): FakeCell {
  const metadata = new Map<string, unknown>();
  return {
    isDisposed: false,
    model: {
      type: 'code',
      id: name,
      executionCount,
      outputs: new Outputs(outputs),
      getMetadata: (of: string): unknown => metadata.get(of),
      setMetadata: (of: string, value: unknown): void => void metadata.set(of, value)
    }
  };
}

/** A panel with these cells, as the document manager gives it. */
export function panelOf(cells: FakeCell[]): FakePanel {
  const owner = {};
  const signal = (): Signal<object, unknown> => new Signal<object, unknown>(owner);
  return {
    content: { widgets: cells },
    revealed: Promise.resolve(),
    disposed: signal(),
    context: {
      ready: Promise.resolve(),
      path: 'work.ipynb',
      model: { readOnly: false, collaborative: false },
      contentsModel: { last_modified: '2026-11-23T12:00:00Z', writable: true },
      pathChanged: signal(),
      fileChanged: signal()
    },
    sessionContext: {
      session: { kernel: { id: KERNEL, status: 'busy' } },
      kernelChanged: signal(),
      statusChanged: signal()
    }
  };
}
