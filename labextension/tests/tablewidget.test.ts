import { describe, expect, it, vi } from 'vitest';
import type { WidgetModel } from '../src/widget/model';
import { mountTableWidget } from '../src/widget/table';
import { PAGE } from './page';
import { record } from './records';

interface Message {
  id: string;
  kind: string;
  params: { [name: string]: string };
}

type Callback = (...args: unknown[]) => void;

/** A kernel's side: it notes what it is asked, and answers when told to. */
function kernel(members: Parameters<typeof record>[0]): {
  model: WidgetModel;
  asked: Message[];
  answer(message: Message | undefined, header: object, buffers?: unknown[], ok?: boolean): void;
  tell(members: Parameters<typeof record>[0]): void;
} {
  let kept = record(members);
  const listeners = new Map<string, Callback>();
  const asked: Message[] = [];
  const model = {
    get: () => kept,
    set: () => undefined,
    save_changes: () => undefined,
    on: (event: string, callback: Callback) => void listeners.set(event, callback),
    off: (event: string) => void listeners.delete(event),
    send: (message: Message) => void asked.push(message)
  } as unknown as WidgetModel;
  return {
    model,
    asked,
    answer(message, header, buffers = [], ok = true) {
      listeners.get('msg:custom')?.({ id: message?.id, ok, header }, buffers);
    },
    tell(more) {
      kept = record({ ...kept, ...more, seq: kept.seq + 1 });
      listeners.get('change:_record')?.();
    }
  };
}

const COLUMNS = ['big', 'text'].map(name => ({
  name,
  field: name,
  dtype: '',
  kind: name === 'big' ? 'number' : 'text',
  index: false,
  nulls: 0
}));

const table = (rows: number): Parameters<typeof record>[0] => ({
  type: 'table',
  key: null,
  data: undefined,
  info: { rows, column_count: 2, columns: COLUMNS, live: { state: 'running', rows } },
  blob: { sha256: `x${rows}`, size: 1, media: '' }
});

async function mounted(): Promise<{ host: HTMLElement } & ReturnType<typeof kernel>> {
  const host = document.createElement('div');
  document.body.replaceChildren(host);
  const end = kernel(table(3));
  await mountTableWidget(host, end.model, new AbortController().signal);
  return { host, ...end };
}

const rowsAsked = (asked: Message[]): Message[] => asked.filter(({ kind }) => kind === 'rows');

describe('the widget of a table', () => {
  it('asks the kernel for pages and shows them, from a buffer that begins anywhere', async () => {
    const { host, asked, answer } = await mounted();
    const cells = (): (string | null)[] =>
      [...host.querySelectorAll('[aria-colindex="1"][role=gridcell]')].map(c => c.textContent);
    expect(cells()).toEqual(['', '', '']);
    expect(rowsAsked(asked)[0]?.params).toMatchObject({
      offset: '0',
      limit: '200',
      format: 'arrow'
    });
    const padded = new Uint8Array(PAGE.length + 3);
    padded.set(PAGE, 3);
    answer({ id: 'of another view', kind: 'rows', params: {} }, {}, [PAGE]);
    answer(rowsAsked(asked)[0], { rows: 3, total: 3 }, [new DataView(padded.buffer, 3)]);
    await vi.waitFor(() => expect(cells()).toEqual(['9007199254740993', '-1', 'null']));
  });

  it('says what the kernel could not do', async () => {
    const { host, asked, answer } = await mounted();
    answer(rowsAsked(asked)[0], { detail: 'The file is gone.' }, [], false);
    await vi.waitFor(() => expect(host.textContent).toContain('The file is gone.'));
  });

  it('follows a table that grows, and takes back what is no longer wanted', async () => {
    const { host, asked, answer, tell } = await mounted();
    tell(table(900));
    await vi.waitFor(() => expect(rowsAsked(asked).length).toBe(2));
    expect(asked.find(({ kind }) => kind === 'cancel')?.id).toBe(rowsAsked(asked)[0]?.id);
    answer(rowsAsked(asked)[1], { rows: 900, total: 900 }, [PAGE.buffer]);
    await vi.waitFor(() => expect(host.textContent).toContain('900 rows × 2 columns'));
  });
});
