/** Server-sent events out of a fetched stream (the browser's EventSource can send no headers). */

export interface ServerEvent {
  event: string;
  data: string;
  id: string | null;
}

/** Collects text as it comes and gives whole events. */
export class Parser {
  private rest = '';
  private data: string[] = [];
  private event = '';
  private id: string | null = null;

  push(text: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        this.finish(events);
      } else {
        this.field(line);
      }
    }
    return events;
  }

  private finish(events: ServerEvent[]): void {
    if (this.data.length > 0) {
      events.push({ event: this.event || 'message', data: this.data.join('\n'), id: this.id });
    }
    this.data = [];
    this.event = '';
  }

  private field(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) {
      return;
    }
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') {
      this.data.push(value);
    } else if (name === 'event') {
      this.event = value;
    } else if (name === 'id') {
      this.id = value;
    }
  }
}

/** The events of a response's body. Ends with the stream; throws when nothing came for `silence` milliseconds. */
export async function* events(
  body: ReadableStream<Uint8Array>,
  silence: number
): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new Parser();
  try {
    for (;;) {
      const { done, value } = await within(silence, reader.read());
      if (done) {
        return;
      }
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** `promise`, or a rejection after `limit` milliseconds. */
export function within<T>(limit: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer in time')), limit);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
