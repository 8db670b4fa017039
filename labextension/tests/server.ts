/** A server for tests: only `fetch` is replaced, the client and all behind it are real. */

import { ServerConnection } from '@jupyterlab/services';
import { Client } from '../src/client';
import type { Change, WireRecord } from '../src/wire';

type Answer = Response | Promise<Response>;
type Route = (path: string, body: unknown, signal: AbortSignal) => Answer;

export function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status, headers: { 'X-NB-Artifacts-Store': 's1' } });
}

/** A client of a server that answers by `route`; `asked` collects the paths. */
export function clientOf(route: Route): { client: Client; asked: string[] } {
  const asked: string[] = [];
  const fetch = async (input: RequestInfo | URL): Promise<Response> => {
    const request = input as Request;
    const path = new URL(request.url).pathname.replace('/user/ann/nb-artifacts/api/', '');
    asked.push(`${request.method} ${path}`);
    const text = request.method === 'POST' ? await request.text() : '';
    return route(path, text ? JSON.parse(text) : null, request.signal);
  };
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://hub.example/user/ann/',
    wsUrl: 'ws://hub.example/user/ann/',
    token: 'secret',
    fetch: fetch
  });
  return { client: new Client(settings), asked };
}

/** A stream of server-sent events that the test feeds. */
export class Events {
  private controller: ReadableStreamDefaultController<Uint8Array> | null = null;

  response(signal?: AbortSignal): Response {
    const body = new ReadableStream<Uint8Array>({
      start: controller => void (this.controller = controller)
    });
    const { controller } = this;
    signal?.addEventListener('abort', () => {
      try {
        controller?.error(new DOMException('aborted', 'AbortError'));
      } catch {
        // closed before
      }
    });
    return new Response(body, { headers: { 'X-NB-Artifacts-Store': 's1' } });
  }

  hello(seq: number, store = 's1'): void {
    this.raw(`id: ${seq}\nevent: hello\ndata: ${JSON.stringify({ store, seq })}\n\n`);
  }

  change(change: Change): void {
    this.raw(`id: ${change.seq}\nevent: change\ndata: ${JSON.stringify(change)}\n\n`);
  }

  elsewhere(change: Change): void {
    this.raw(`event: elsewhere\ndata: ${JSON.stringify(change)}\n\n`);
  }

  changed(record: WireRecord): void {
    this.change({ seq: record.seq, kind: 'artifact', record });
  }

  raw(text: string): void {
    this.controller?.enqueue(new TextEncoder().encode(text));
  }

  end(): void {
    this.controller?.close();
  }
}

/** One browser's locks: the first to ask holds, the next waits until its signal or function ends. */
export function fakeLocks(): Pick<LockManager, 'request'> {
  const tails = new Map<string, Promise<unknown>>();
  return {
    request: (name: string, options: { signal: AbortSignal }, hold: () => Promise<void>) => {
      const turn = (tails.get(name) ?? Promise.resolve()).then(() =>
        options.signal.aborted ? undefined : hold()
      );
      tails.set(name, turn);
      return turn;
    }
  } as unknown as Pick<LockManager, 'request'>;
}

/** A server that a test takes away (`away.now`) and brings back, and the streams that it has opened. */
export function leavingServer(
  given: (path: string) => unknown,
  now = false
): { client: Client; streams: Events[]; away: { now: boolean } } {
  const away = { now };
  const streams: Events[] = [];
  const { client } = clientOf((path, _body, signal) => {
    if (away.now) {
      throw new TypeError('network');
    }
    if (path === 'events') {
      const events = new Events();
      streams.push(events);
      return events.response(signal);
    }
    return json(given(path));
  });
  return { client, streams, away };
}
