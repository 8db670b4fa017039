/** The bars that run now, in any notebook or script of this folder. Signals, no DOM. */

import { Signal } from '@lumino/signaling';
import { PAGE } from '../client';
import type { Client } from '../client';
import { estimate, progressOf } from '../progress';
import type { Change, WireRecord } from '../wire';

export class RunningModel {
  /** Oldest first, so that a list of them does not reorder. */
  bars: WireRecord[] = [];
  /** Emitted after every change of a bar, and when the list did not change but its numbers did. */
  readonly changed = new Signal<this, void>(this);
  /** Emitted when another number of bars runs. */
  readonly counted = new Signal<this, void>(this);

  private readonly ended = new AbortController();

  constructor(private readonly client: Client) {
    client.changes.subscribe(
      { change: change => this.follow(change), reset: () => void this.load() },
      this.ended.signal
    );
  }

  dispose(): void {
    this.ended.abort();
    Signal.clearData(this);
  }

  /** Read the newest bars. Where the store does not answer, what is known stays. */
  async load(): Promise<void> {
    try {
      const query = { artifacts: { type: { any_: ['progress'] } }, limit: PAGE };
      this.set((await this.client.filter({ ...query, sort: 'UPDATED_DESC' })).filter(isRunning));
    } catch {
      // the feed says when the store is back
    }
  }

  private follow({ record, deleted }: Change): void {
    const id = record?.id ?? deleted?.id;
    const known = this.bars.find(bar => bar.id === id);
    if (record && isRunning(record)) {
      this.set([...this.bars.filter(bar => bar.id !== id), record]);
    } else if (known) {
      this.set(this.bars.filter(bar => bar.id !== id));
    }
  }

  private set(bars: WireRecord[]): void {
    const before = this.bars.length;
    this.bars = bars.sort((a, b) => (a.id < b.id ? -1 : 1));
    if (!this.ended.signal.aborted) {
      this.changed.emit();
      if (this.bars.length !== before) {
        this.counted.emit();
      }
    }
  }
}

function isRunning(record: WireRecord): boolean {
  return record.type === 'progress' && progressOf(record).state === 'running';
}

/** What a tab's title begins with while bars of its notebook run: the one that ends last speaks for all. */
export function titleMark(bars: readonly WireRecord[], now: Date): string {
  if (bars.length === 0) {
    return '';
  }
  const read = bars.map(progressOf);
  const last = read.reduce((a, b) => (left(b, now) > left(a, now) ? b : a));
  return last.share === null ? '▶ ' : `▶ ${Math.floor(last.share * 100)} % `;
}

function left(bar: ReturnType<typeof progressOf>, now: Date): number {
  return estimate(bar, now).left ?? 0;
}
