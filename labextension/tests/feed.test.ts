import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Feed } from '../src/feed';
import { Parser } from '../src/sse';
import { record } from './records';
import { Events, fakeLocks } from './server';

describe('the parser of server-sent events', () => {
  const text =
    'id: 7\nevent: hello\ndata: {"a":\ndata: 1}\n\n: still here\n\nid: 8\r\nevent: change\r\ndata: ü\r\n\r\ndata: x\n\n';
  const whole = [
    { id: '7', event: 'hello', data: '{"a":\n1}' },
    { id: '8', event: 'change', data: 'ü' },
    { id: '8', event: 'message', data: 'x' }
  ];

  it('reads events, comments and all three line ends', () =>
    expect(new Parser().push(text)).toEqual(whole));

  it('does not mind where the network cuts', () => {
    const parser = new Parser();
    expect([...text].flatMap(sign => parser.push(sign))).toEqual(whole);
  });
});

const names = (function* () {
  for (let n = 0; ; n += 1) {
    yield `feed ${n}`;
  }
})();

describe('the feed', () => {
  let stop: AbortController;
  beforeEach(() => {
    stop = new AbortController();
    vi.stubGlobal('navigator', { ...navigator, locks: fakeLocks() });
  });
  afterEach(() => {
    stop.abort();
    vi.unstubAllGlobals();
  });

  it('is one stream for all tabs, and each hears every change once', async () => {
    const events = new Events();
    const since: (number | null)[] = [];
    const connect = (from: number | null, signal: AbortSignal): Promise<Response> => {
      since.push(from);
      return Promise.resolve(events.response(signal));
    };
    const name = names.next().value ?? '';
    const heard: [string, number][] = [];
    for (const tab of ['one', 'two', 'three']) {
      const feed = new Feed(name, connect);
      feed.subscribe({ change: change => heard.push([tab, change.seq]) }, stop.signal);
      feed.subscribe({}, stop.signal);
    }
    await vi.waitFor(() => expect(since).toEqual([null]));
    events.hello(4);
    events.changed(record({ seq: 5 }));
    events.changed(record({ seq: 5 }));
    events.changed(record({ seq: 6 }));
    await vi.waitFor(() => expect(heard).toHaveLength(6));
    expect(since).toEqual([null]);
    expect(heard.filter(([tab]) => tab === 'two')).toEqual([
      ['two', 5],
      ['two', 6]
    ]);
  });

  it('is taken over by another tab, which resumes after what it knows', async () => {
    const streams = [new Events(), new Events()];
    const since: (number | null)[] = [];
    const connect = (from: number | null, signal: AbortSignal): Promise<Response> => {
      const events = streams[since.length] as Events;
      since.push(from);
      return Promise.resolve(events.response(signal));
    };
    const name = names.next().value ?? '';
    const first = new AbortController();
    new Feed(name, connect).subscribe({}, first.signal);
    await vi.waitFor(() => expect(since).toHaveLength(1));
    const heard: number[] = [];
    new Feed(name, connect).subscribe({ change: change => heard.push(change.seq) }, stop.signal);
    streams[0]?.hello(1);
    streams[0]?.changed(record({ seq: 2 }));
    await vi.waitFor(() => expect(heard).toEqual([2]));
    first.abort();
    await vi.waitFor(() => expect(since).toEqual([null, 2]));
    streams[1]?.hello(3);
    streams[1]?.changed(record({ seq: 3 }));
    await vi.waitFor(() => expect(heard).toEqual([2, 3]));
  });

  it('reconnects after the stream ends, and says when the store is another one', async () => {
    const streams = [new Events(), new Events()];
    let connected = 0;
    const feed = new Feed(names.next().value ?? '', (_since, signal) =>
      Promise.resolve((streams[connected++] as Events).response(signal))
    );
    const said: string[] = [];
    feed.subscribe(
      {
        reset: () => said.push('reset'),
        online: online => said.push(online ? 'online' : 'offline')
      },
      stop.signal
    );
    await vi.waitFor(() => expect(connected).toBe(1));
    streams[0]?.hello(9);
    await vi.waitFor(() => expect(said).toEqual(['online', 'reset']));
    streams[0]?.end();
    await vi.waitFor(() => expect(connected).toBe(2), 3000);
    streams[1]?.hello(2, 'another');
    await vi.waitFor(() => expect(said).toEqual(['online', 'reset', 'reset']));
  });

  it('says that the store is away, and tries again when the network is back', async () => {
    let tries = 0;
    const feed = new Feed(names.next().value ?? '', () => {
      tries += 1;
      return Promise.reject(Object.assign(new Error('no'), { reason: 'absent' }));
    });
    feed.subscribe({}, stop.signal);
    await vi.waitFor(() => expect(feed.online).toBe(false));
    expect(tries).toBe(1);
    globalThis.dispatchEvent(new Event('online'));
    await vi.waitFor(() => expect(tries).toBe(2));
  });

  it('asks now and then where the browser has no locks', async () => {
    vi.stubGlobal('navigator', { ...navigator, locks: undefined });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const since: (number | null)[] = [];
    const heard: number[] = [];
    const feed = new Feed(names.next().value ?? '', (from, signal) => {
      since.push(from);
      const events = new Events();
      const response = events.response(signal);
      events.hello(since.length === 1 ? 4 : 5);
      if (since.length > 1) {
        events.changed(record({ seq: 5 }));
      }
      return Promise.resolve(response);
    });
    feed.subscribe({ change: change => heard.push(change.seq) }, stop.signal);
    await vi.advanceTimersByTimeAsync(1900);
    expect(since).toEqual([null]);
    await vi.advanceTimersByTimeAsync(200);
    expect(since).toEqual([null, 4]);
    expect(heard).toEqual([5]);
    vi.useRealTimers();
  });
});
