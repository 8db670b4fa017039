/**
 * The change feed of one store, shared by all tabs of a browser.
 *
 * The tab that holds a Web Lock keeps the only connection and tells the others over a BroadcastChannel: HTTP/1.1
 * allows six connections per host, and JupyterLab needs them. When that tab closes, the next one gets the lock and
 * resumes after the last `seq` that it knows. Where there are no locks (plain http to another machine) every tab asks
 * every two seconds.
 */

import { parse } from './json';
import { events } from './sse';
import type { Change } from './wire';

export interface Listener {
  /** A record or run was made, changed or deleted. */
  change?(change: Change): void;
  /** Changes may have been missed: look again. Also said once the feed is live. */
  reset?(): void;
  /** The store can be reached, or no longer. */
  online?(online: boolean): void;
}

export type Connect = (since: number | null, signal: AbortSignal) => Promise<Response>;

type Message =
  | { kind: 'who' }
  | { kind: 'hello'; store: string; seq: number; online: boolean; missed: boolean }
  | { kind: 'change'; change: Change }
  | { kind: 'elsewhere'; change: Change }
  | { kind: 'again' }
  | { kind: 'online'; online: boolean };

const SILENCE = 40_000;
const POLL = 2_000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

export class Feed {
  /** Whether the store answers; null before it is known. */
  online: boolean | null = null;

  private readonly listeners = new Set<Listener>();
  private running: AbortController | null = null;
  private channel: BroadcastChannel | null = null;
  private leads = false;
  private store: string | null = null;
  private seq: number | null = null;

  constructor(
    private readonly name: string,
    private readonly connect: Connect
  ) {}

  /** Follow the feed until `signal` aborts. */
  subscribe(listener: Listener, signal: AbortSignal): void {
    if (signal.aborted) {
      return;
    }
    this.listeners.add(listener);
    signal.addEventListener('abort', () => this.leave(listener), { once: true });
    if (this.running === null) {
      this.start();
    }
  }

  private leave(listener: Listener): void {
    this.listeners.delete(listener);
    if (this.listeners.size === 0) {
      this.running?.abort();
      this.running = null;
      this.channel?.close();
      this.channel = null;
      this.seq = null;
      this.online = null;
    }
  }

  private start(): void {
    const controller = new AbortController();
    this.running = controller;
    const { signal } = controller;
    const locks = globalThis.navigator?.locks as LockManager | undefined;
    if (locks === undefined || typeof BroadcastChannel === 'undefined') {
      void this.follow(signal, true);
      return;
    }
    this.channel = new BroadcastChannel(this.name);
    this.channel.onmessage = (event: MessageEvent<Message>) => this.hear(event.data);
    this.channel.postMessage({ kind: 'who' } satisfies Message);
    locks.request(this.name, { signal }, () => this.follow(signal, false)).catch(() => undefined); // rejects only because `signal` aborted the wait
  }

  /** Stay connected (or ask again and again) until `signal` aborts. */
  private async follow(signal: AbortSignal, poll: boolean): Promise<void> {
    this.leads = true;
    let wait = FIRST_WAIT;
    while (!signal.aborted) {
      let next = wait;
      try {
        await this.read(signal, poll, () => (wait = FIRST_WAIT));
        next = poll ? POLL : wait;
      } catch (error) {
        if (signal.aborted) {
          break;
        }
        this.setOnline(false);
        next = retryable(error) ? wait * (0.5 + Math.random() / 2) : LONGEST_WAIT;
        wait = Math.min(wait * 2, LONGEST_WAIT);
      }
      await pause(next, signal);
    }
    this.leads = false;
  }

  private async read(signal: AbortSignal, poll: boolean, greeted: () => void): Promise<void> {
    const response = await this.connect(this.seq, signal);
    if (response.body === null) {
      throw new Error('a reply without a body');
    }
    let goal = Number.POSITIVE_INFINITY;
    for await (const event of events(response.body, SILENCE)) {
      if (event.event === 'hello') {
        goal = this.greet(parse(event.data) as { store: string; seq: number });
        greeted();
      } else if (event.event === 'change') {
        this.pass(parse(event.data) as Change);
      } else if (event.event === 'elsewhere') {
        this.passElsewhere(parse(event.data) as Change);
      } else if (event.event === 'again') {
        this.lookAgain();
      }
      if (poll && (this.seq ?? 0) >= goal) {
        return;
      }
    }
  }

  private greet(hello: { store: string; seq: number }): number {
    const missed = this.seq === null || this.store !== hello.store || hello.seq < this.seq;
    this.store = hello.store;
    this.setOnline(true);
    this.tell({ kind: 'hello', ...hello, online: true, missed });
    this.begin(hello.seq, missed);
    return hello.seq;
  }

  private begin(seq: number, missed: boolean): void {
    if (missed) {
      this.seq = seq;
      this.each(listener => listener.reset?.());
    }
  }

  private pass(change: Change): void {
    if (this.seq !== null && change.seq <= this.seq) {
      return;
    }
    this.seq = change.seq;
    this.tell({ kind: 'change', change });
    this.each(listener => listener.change?.(change));
  }

  /** What another machine published has no place in this store's feed. */
  private passElsewhere(change: Change): void {
    this.tell({ kind: 'elsewhere', change });
    this.each(listener => listener.change?.(change));
  }

  private lookAgain(): void {
    this.tell({ kind: 'again' });
    this.each(listener => listener.reset?.());
  }

  private setOnline(online: boolean): void {
    if (this.online !== online) {
      this.online = online;
      this.tell({ kind: 'online', online });
      this.each(listener => listener.online?.(online));
    }
  }

  /** What the tab that holds the connection says. */
  private hear(message: Message): void {
    switch (message.kind) {
      case 'who':
        if (this.leads && this.store !== null && this.seq !== null) {
          const online = this.online === true;
          this.tell({ kind: 'hello', store: this.store, seq: this.seq, online, missed: false });
        }
        break;
      case 'hello':
        this.store = message.store;
        this.setOnline(message.online);
        this.begin(message.seq, message.missed || this.seq === null);
        break;
      case 'change':
        this.pass(message.change);
        break;
      case 'elsewhere':
        this.passElsewhere(message.change);
        break;
      case 'again':
        this.lookAgain();
        break;
      case 'online':
        this.setOnline(message.online);
    }
  }

  private tell(message: Message): void {
    if (this.leads) {
      this.channel?.postMessage(message);
    }
  }

  private each(call: (listener: Listener) => void): void {
    for (const listener of [...this.listeners]) {
      try {
        call(listener);
      } catch (error) {
        console.error('nb-artifacts: a view failed to follow a change', error);
      }
    }
  }
}

function retryable(error: unknown): boolean {
  const reason = (error as { reason?: string }).reason;
  return reason !== 'absent' && reason !== 'denied';
}

/** Wait, or less when the network comes back or `signal` aborts. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      globalThis.removeEventListener?.('online', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    globalThis.addEventListener?.('online', done);
    signal.addEventListener('abort', done);
  });
}
