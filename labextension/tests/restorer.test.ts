import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Output } from '../src/notebook/lost';
import { Restorer } from '../src/notebook/restorer';
import { MIME } from '../src/wire';
import { FakeStore, KERNEL, cellOf, id, made, panelOf, run } from './notebook';
import type { FakeCell, FakePanel } from './notebook';

const actions = vi.hoisted(() => ({}) as { executionScheduled: unknown; outputCleared: unknown });
vi.mock('@jupyterlab/notebook', () => ({ NotebookActions: actions }));

/** What stands under cells: the ids and the words of each overlay that is there. */
const overlays = vi.hoisted(() => new Set<{ ids: readonly string[]; why: string }>());
vi.mock('../src/notebook/overlay', () => ({
  Overlay: class {
    ids: readonly string[] = [];
    why = '';
    isDisposed = false;
    stand(): Promise<void> {
      overlays.add(this);
      return Promise.resolve();
    }
    list(ids: readonly string[], why: string): void {
      Object.assign(this, { ids, why });
    }
    dispose(): void {
      this.isDisposed = true;
      overlays.delete(this);
    }
  }
}));

const started = new Signal<object, unknown>({});
const cleared = new Signal<object, unknown>({});
const restorers: Restorer[] = [];
const focus = vi.fn(() => true);

beforeEach(() => {
  Object.assign(actions, { executionScheduled: started, outputCleared: cleared });
  focus.mockReturnValue(true);
  vi.spyOn(document, 'hasFocus').mockImplementation(focus);
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('visible');
});
afterEach(() => {
  restorers.splice(0).forEach(restorer => restorer.dispose());
  expect(overlays.size).toBe(0);
});

interface Setup {
  store: FakeStore;
  panel: FakePanel;
  cell: FakeCell;
  onDisk: { last_modified: string };
}

/** A notebook that was opened while its one cell runs elsewhere. */
async function open(
  state: string,
  cell: FakeCell = cellOf('c'),
  more: (setup: Setup) => void = () => undefined
): Promise<Setup> {
  const store = new FakeStore();
  store.runs = [run({ state: state === 'running' ? 'running' : 'completed' })];
  store.records = [made(1, state)];
  const panel = panelOf([cell]);
  const onDisk = { last_modified: panel.context.contentsModel.last_modified };
  const setup = { store, panel, cell, onDisk };
  more(setup);
  const services = {
    contents: { localPath: (path: string) => path, get: () => Promise.resolve(onDisk) },
    kernels: { isReady: true, running: () => [{ id: KERNEL }] }
  };
  const restorer = new Restorer(panel as never, store.client, services as never);
  restorers.push(restorer);
  await vi.waitFor(() => expect(store.asked.length).toBeGreaterThan(0));
  await restorer.made.load();
  return setup;
}

function shown(): { ids: readonly string[]; why: string }[] {
  return [...overlays].map(({ ids, why }) => ({ ids, why }));
}

function texts(cell: FakeCell): unknown[] {
  return cell.model.outputs.all.map(output => output.data?.['text/plain']);
}

function saved(n: number, text: string): Output {
  return { output_type: 'display_data', data: { [MIME]: { id: id(n) }, 'text/plain': text } };
}

describe('a cell that still runs', () => {
  it('has its bar under it, and in its outputs once it is done', async () => {
    const { store, cell } = await open('running');
    expect(shown()).toEqual([
      { ids: [id(1)], why: 'Goes into the notebook when the cell is done.' }
    ]);
    expect(cell.model.outputs.all).toEqual([]);
    store.move(made(1, 'finished'));
    store.tell({ kind: 'run', run: run({ state: 'completed' }) });
    await vi.waitFor(() => expect(texts(cell)).toEqual(['bar-1 finished']));
    expect(cell.model.outputs.all[0]?.metadata).toEqual({ nb_artifacts: { restored: true } });
    expect(cell.model.executionCount).toBe(3);
    expect(shown()).toEqual([]);
    store.move({ ...made(1, 'finished'), seq: 200 });
    expect(texts(cell), 'once').toEqual(['bar-1 finished']);
  });

  it('that this page started is left alone', async () => {
    const { store, panel, cell } = await open(
      'finished',
      cellOf('c'),
      ({ store }) => (store.runs = [])
    );
    started.emit({ notebook: panel.content, cell });
    store.tell({ kind: 'run', run: run() });
    store.tell({ record: made(1, 'running') });
    await Promise.resolve();
    expect(shown()).toEqual([]);
  });

  it.each(['idle', 'starting'])(
    'is over where its kernel is idle, gone or another process',
    async status => {
      const { panel, cell } = await open(
        'finished',
        cellOf('c'),
        ({ store }) => (store.runs = [run()])
      );
      expect(shown()).toHaveLength(1);
      panel.sessionContext.session.kernel.status = status;
      panel.sessionContext.statusChanged.emit(status);
      await vi.waitFor(() => expect(texts(cell)).toEqual(['bar-1 finished']));
    }
  );
});

describe('outputs come back', () => {
  it('for all that the cell shows, in order, and not for what it was not to show', async () => {
    const { cell } = await open('finished', cellOf('c'), ({ store }) => {
      const off = { metadata_: { 'nb_artifacts.display': 'off' } };
      store.records = [made(3, 'failed'), made(1, 'finished'), made(2, 'finished', off)];
    });
    await vi.waitFor(() => expect(texts(cell)).toEqual(['bar-1 finished', 'bar-3 failed']));
  });

  it('in place of those of an earlier run, beside the user’s own', async () => {
    const print = { output_type: 'stream', data: { 'text/plain': 'hello' } };
    const { cell } = await open('finished', cellOf('c', 2, [saved(9, 'of before'), print]));
    await vi.waitFor(() => expect(texts(cell)).toEqual(['hello', 'bar-1 finished']));
  });

  it('with their end where they were saved while they moved', async () => {
    const { store, cell } = await open('running', cellOf('c', 3, [saved(1, 'bar-1 running')]));
    expect(shown()).toEqual([]);
    store.move(made(1, 'interrupted'));
    store.tell({ kind: 'run', run: run({ state: 'interrupted' }) });
    await vi.waitFor(() => expect(texts(cell)).toEqual(['bar-1 interrupted']));
  });
});

describe('nothing is written', () => {
  it('by a tab without the focus, until it has it', async () => {
    focus.mockReturnValue(false);
    const { cell } = await open('finished');
    expect(shown()).toEqual([
      { ids: [id(1)], why: 'Not in this notebook yet: shown from the store.' }
    ]);
    expect(cell.model.outputs.all).toEqual([]);
    focus.mockReturnValue(true);
    window.dispatchEvent(new Event('focus'));
    await vi.waitFor(() => expect(texts(cell)).toEqual(['bar-1 finished']));
  });

  it('into a notebook that is read-only', async () => {
    const { cell } = await open(
      'finished',
      cellOf('c'),
      ({ panel }) => (panel.context.contentsModel.writable = false)
    );
    expect(shown()).toEqual([
      { ids: [id(1)], why: 'Not in this notebook, which is read-only: shown from the store.' }
    ]);
    expect(cell.model.outputs.all).toEqual([]);
  });

  it('into a document that is older than its file', async () => {
    const { store, cell, onDisk } = await open(
      'finished',
      cellOf('c'),
      ({ onDisk }) => (onDisk.last_modified = '2026-11-23T12:01:00Z')
    );
    expect(shown()).toHaveLength(1);
    expect(store.asked).not.toContain(`output ${id(1)}`);
    onDisk.last_modified = '2026-11-23T12:00:00Z';
    window.dispatchEvent(new Event('focus'));
    await vi.waitFor(() => expect(texts(cell)).toEqual(['bar-1 finished']));
  });

  it('where the outputs were cleared by hand, also after a reload', async () => {
    const { panel, cell, store } = await open('running');
    cleared.emit({ notebook: panel.content, cell });
    expect(shown()).toEqual([]);
    expect(cell.model.getMetadata('nb_artifacts')).toEqual({ cleared: 'r1' });
    store.move(made(1, 'finished'));
    restorers.splice(0).forEach(restorer => restorer.dispose());
    await open('finished', cell);
    expect(shown()).toEqual([]);
    expect(cell.model.outputs.all).toEqual([]);
  });

  it('after it is closed, or where the store does not answer', async () => {
    const { store, cell, panel } = await open('running');
    vi.spyOn(store.client, 'output').mockRejectedValue(new Error('away'));
    store.move(made(1, 'finished'));
    store.tell({ kind: 'run', run: run({ state: 'completed' }) });
    await Promise.resolve();
    expect(shown(), 'the card stays').toHaveLength(1);
    panel.disposed.emit(undefined);
    expect(shown()).toEqual([]);
    expect(cell.model.outputs.all).toEqual([]);
  });
});
