/** The rows of a table by messages to the kernel, which answers them from the table that its widget holds. */

import { parse } from '../json';
import { FORMATS, exportParams, pageOf, rowsParams, summaryParams } from '../rows';
import type { Format, Page, Params, Rows, RowsQuery, Summary, View } from '../rows';
import { listen } from './model';
import type { WidgetModel } from './model';

interface Answer {
  header: { [name: string]: unknown };
  bytes: Uint8Array<ArrayBuffer>;
}

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export class CommRows implements Rows {
  readonly whole = true;
  readonly formats = FORMATS;
  private readonly waiting = new Map<string, Waiting>();
  private readonly mark = crypto.getRandomValues(new Uint32Array(2)).join('-');
  private asked = 0;

  constructor(
    private readonly model: WidgetModel,
    signal: AbortSignal
  ) {
    listen(
      model,
      'msg:custom',
      (content: unknown, buffers: unknown) => this.answered(content, buffers),
      signal
    );
    signal.addEventListener('abort', () => this.waiting.clear(), { once: true });
  }

  async rows(query: RowsQuery, signal: AbortSignal): Promise<Page> {
    const { header, bytes } = await this.ask('rows', rowsParams(query), signal);
    return pageOf(bytes, header['rows'], header['total']);
  }

  async summary(view: View, signal: AbortSignal, columns?: string[]): Promise<Summary> {
    const { bytes } = await this.ask('summary', summaryParams(view, columns), signal);
    return parse(new TextDecoder().decode(bytes)) as Summary;
  }

  async export(
    format: Format,
    view: View,
    columns: string[] | null,
    signal: AbortSignal
  ): Promise<Blob> {
    const { bytes } = await this.ask('export', exportParams(format, view, columns), signal);
    return new Blob([bytes]);
  }

  /** Several views of one widget hear every answer: each knows its own by the mark. */
  private ask(kind: string, params: Params, signal: AbortSignal): Promise<Answer> {
    this.asked += 1;
    const id = `${this.mark} ${this.asked}`;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      signal.addEventListener(
        'abort',
        () => {
          if (this.waiting.delete(id)) {
            this.model.send({ id, kind: 'cancel', params: {} });
            reject(new DOMException('No longer wanted.', 'AbortError'));
          }
        },
        { once: true }
      );
      this.model.send({ id, kind, params });
    });
  }

  private answered(content: unknown, buffers: unknown): void {
    const { id, ok, header } = content as { id?: unknown; ok?: unknown; header?: Answer['header'] };
    const waiting = typeof id === 'string' ? this.waiting.get(id) : undefined;
    if (!waiting || typeof id !== 'string') {
      return;
    }
    this.waiting.delete(id);
    if (ok === true) {
      waiting.resolve({ header: header ?? {}, bytes: bytesOf(buffers) });
    } else {
      const detail = header?.['detail'];
      waiting.reject(new Error(typeof detail === 'string' ? detail : 'The kernel failed.'));
    }
  }
}

/** Front ends hand over a view of bytes, or the bytes themselves. Arrow wants them at the start of a buffer of its own. */
function bytesOf(buffers: unknown): Uint8Array<ArrayBuffer> {
  const first = Array.isArray(buffers) ? (buffers[0] as unknown) : undefined;
  if (ArrayBuffer.isView(first)) {
    return new Uint8Array(first.buffer, first.byteOffset, first.byteLength).slice();
  }
  return first instanceof ArrayBuffer ? new Uint8Array(first) : new Uint8Array();
}
