/** The bars and live tables that run now, in any notebook or script of this folder. Signals, no DOM. */

import { Signal } from '@lumino/signaling';
import { PAGE } from '../client';
import type { Client } from '../client';
import { estimate, percentage, progressOf } from '../progress';
import { plural } from '../format';
import type { Change, TableInfo, WireRecord } from '../wire';

export class RunningModel {
  /** Oldest first, so that a list of them does not reorder. */
  items: WireRecord[] = [];
  /** Emitted after every change of one, and when the list did not change but its numbers did. */
  readonly changed = new Signal<this, void>(this);
  /** Emitted when another number of them runs. */
  readonly counted = new Signal<this, void>(this);

  private readonly ended = new AbortController();
  private turn = 0;
  /** What came while lists were on their way; they may be older. */
  private meanwhile: Change[] | null = null;

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

  /** Read what changed last; tables are asked for by themselves, they may be many. Where the store does not answer, what is known stays. */
  async load(): Promise<void> {
    const turn = (this.turn += 1);
    const heard: Change[] = (this.meanwhile = []);
    try {
      const found = await Promise.all(
        ['progress', 'table'].map(type =>
          this.client.filter({
            artifacts: { type: { any_: [type] } },
            sort: 'UPDATED_DESC',
            limit: PAGE
          })
        )
      );
      if (turn === this.turn) {
        this.set(heard.reduce(withChange, found.flat().filter(isRunning)));
      }
    } catch {
      // the feed says when the store is back
    } finally {
      if (turn === this.turn) {
        this.meanwhile = null;
      }
    }
  }

  private follow(change: Change): void {
    this.meanwhile?.push(change);
    const items = withChange(this.items, change);
    if (items !== this.items) {
      this.set(items);
    }
  }

  private set(items: WireRecord[]): void {
    const before = countWords(this.items);
    this.items = items.sort((a, b) => (a.id < b.id ? -1 : 1));
    if (!this.ended.signal.aborted) {
      this.changed.emit();
      if (countWords(this.items) !== before) {
        this.counted.emit();
      }
    }
  }
}

/** The running ones after a change; the same list where it is about none of them. */
function withChange(items: WireRecord[], { record, deleted }: Change): WireRecord[] {
  const id = record?.id ?? deleted?.id;
  const known = items.find(one => one.id === id);
  if (known && record && record.seq < known.seq) {
    return items;
  }
  const others = items.filter(one => one.id !== id);
  return record && isRunning(record) ? [...others, record] : known ? others : items;
}

/** Whether it is a bar or a live table that still moves. */
export function isRunning(record: WireRecord): boolean {
  return record.type === 'table'
    ? (record.info as Partial<TableInfo>).live?.state === 'running'
    : record.type === 'progress' && progressOf(record).state === 'running';
}

/** "2 bars, 1 live table"; nothing where nothing runs. */
export function countWords(items: readonly WireRecord[]): string {
  const bars = items.filter(({ type }) => type === 'progress').length;
  const tables = items.length - bars;
  return [bars > 0 && plural(bars, 'bar'), tables > 0 && plural(tables, 'live table')]
    .filter(Boolean)
    .join(', ');
}

/** What a tab's title begins with while something of its notebook runs: the bar that ends last speaks for all. */
export function titleMark(items: readonly WireRecord[], now: Date): string {
  if (items.length === 0) {
    return '';
  }
  const read = items.filter(({ type }) => type === 'progress').map(progressOf);
  if (read.length === 0) {
    return '▶ ';
  }
  const last = read.reduce((a, b) => (left(b, now) > left(a, now) ? b : a));
  return last.share === null ? '▶ ' : `▶ ${percentage(last.share)} % `;
}

function left(bar: ReturnType<typeof progressOf>, now: Date): number {
  return estimate(bar, now).left ?? 0;
}
