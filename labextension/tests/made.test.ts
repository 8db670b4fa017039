import { afterEach, describe, expect, it, vi } from 'vitest';
import { MadeModel } from '../src/notebook/made';
import type { Where } from '../src/notebook/made';
import { FakeStore, KERNEL, id, made, run } from './notebook';

const models: MadeModel[] = [];
afterEach(() => models.splice(0).forEach(model => model.dispose()));

function follow(
  store: FakeStore,
  where: Partial<Where> = {},
  wanted: () => boolean = () => true
): { model: MadeModel; heard: (string | null)[] } {
  const place = { kernel: KERNEL, path: null, cells: new Set(['c', 'd']), ...where };
  const model = new MadeModel(store.client, () => place, wanted);
  models.push(model);
  const heard: (string | null)[] = [];
  model.changed.connect((_, cell) => heard.push(cell));
  return { model, heard };
}

function held(model: MadeModel, cell = 'c'): string[] {
  return [...(model.cells.get(cell)?.records.keys() ?? [])];
}

describe('what cells made', () => {
  it('is what the newest run of each made', async () => {
    const store = new FakeStore();
    const later = run({ id: 'r2', started: '2026-11-23T11:30:00Z' });
    store.runs = [
      run(),
      later,
      run({ id: 'r3' }, { cell_id: 'd' }),
      run({ id: 'r4' }, { cell_id: 'gone' })
    ];
    store.records = [made(1, 'finished'), made(2, 'running', { task_run_id: 'r2' })];
    const { model, heard } = follow(store);
    await model.load();
    expect(model.cells.get('c')?.run.id).toBe('r2');
    expect(held(model)).toEqual([id(2)]);
    expect(held(model, 'd')).toEqual([]);
    expect([...model.cells.keys()]).toEqual(['c', 'd']);
    expect(heard).toEqual([null]);
  });

  it('is looked for by kernel and by path, and asked for only where it is wanted', async () => {
    const store = new FakeStore();
    store.runs = [run({}, { kernel_id: 'before', notebook: '/w/work.ipynb' })];
    store.records = [made(1, 'finished')];
    const { model } = follow(store, { path: '/w/work.ipynb' }, () => false);
    await model.load();
    expect(store.asked).toEqual([`runs ${KERNEL}`, 'runs /w/work.ipynb']);
    expect(model.cells.get('c')?.run.id).toBe('r1');
    expect(held(model)).toEqual([]);
  });

  it('is read page by page until every cell has a run', async () => {
    const store = new FakeStore();
    store.runs = Array.from({ length: 450 }, (_, n) => run({ id: `x${n}` }, { cell_id: 'other' }));
    store.runs.push(run());
    const { model } = follow(store);
    await model.load();
    expect(store.asked.filter(asked => asked.startsWith('runs'))).toHaveLength(3);
    expect(model.cells.get('c')?.run.id).toBe('r1');
  });
});

describe('the feed', () => {
  it('brings new artifacts, new states and deletions to their cells', async () => {
    const store = new FakeStore();
    store.runs = [run()];
    store.records = [made(1, 'running')];
    const { model, heard } = follow(store);
    await model.load();
    store.move(made(1, 'finished'));
    store.tell({ record: made(2, 'running') });
    expect(held(model)).toEqual([id(1), id(2)]);
    expect(model.cells.get('c')?.records.get(id(1))?.info['state']).toBe('finished');
    store.tell({ record: made(1, 'running') });
    expect(model.cells.get('c')?.records.get(id(1))?.info['state'], 'an older state').toBe(
      'finished'
    );
    store.tell({ deleted: { id: id(1), key: null, version: null, deleted: '' } });
    store.tell({ deleted: { id: id(7), key: null, version: null, deleted: '' } });
    store.tell({ record: made(3, 'running', { task_run_id: 'unknown' }) });
    expect(held(model)).toEqual([id(2)]);
    expect(heard).toEqual([null, 'c', 'c', 'c']);
  });

  it('knows flows and tasks that a cell began as its own', async () => {
    const store = new FakeStore();
    store.runs = [run()];
    const { model } = follow(store);
    await model.load();
    store.tell({
      kind: 'run',
      run: run({ id: 'flow', kind: 'flow', parent_id: 'r1' }, { cell_id: null })
    });
    store.tell({
      kind: 'run',
      run: run({ id: 'task', kind: 'task', parent_id: 'flow' }, { cell_id: null })
    });
    store.tell({ record: made(1, 'running', { flow_run_id: 'flow', task_run_id: 'task' }) });
    expect(held(model)).toEqual([id(1)]);
  });

  it('brings the next run of a cell, and the end of one', async () => {
    const store = new FakeStore();
    store.runs = [run()];
    store.records = [made(1, 'finished')];
    const { model, heard } = follow(store);
    await model.load();
    store.tell({ kind: 'run', run: run({ state: 'completed' }) });
    expect(model.cells.get('c')?.run.state).toBe('completed');
    const next = run({ id: 'r2', started: '2026-11-23T12:00:00Z' });
    store.records.push(made(2, 'running', { task_run_id: 'r2' }));
    store.tell({ kind: 'run', run: next });
    await vi.waitFor(() => expect(held(model)).toEqual([id(2)]));
    store.tell({ kind: 'run', run: run({ id: 'r0', started: '2026-11-23T10:00:00Z' }) });
    store.tell({ kind: 'run', run: run({ id: 'rx' }, { kernel_id: 'another' }) });
    await vi.waitFor(() => expect(heard).toEqual([null, 'c', 'c', 'c']));
    expect(model.cells.get('c')?.run.id).toBe('r2');
  });

  it('waits while everything is read, and reads everything when it was cut', async () => {
    const store = new FakeStore();
    store.runs = [run()];
    const { model } = follow(store);
    const loading = model.load();
    store.tell({ record: made(5, 'running') });
    await loading;
    expect(held(model)).toEqual([id(5)]);
    store.records = [made(6, 'running')];
    store.reset();
    await vi.waitFor(() => expect(held(model)).toContain(id(6)));
  });

  it('is left when it is disposed of, and a store that does not answer changes nothing', async () => {
    const store = new FakeStore();
    store.runs = [run()];
    const { model, heard } = follow(store);
    await model.load();
    vi.spyOn(store.client, 'runs').mockRejectedValue(new Error('away'));
    await model.load();
    expect(model.cells.size).toBe(1);
    model.dispose();
    store.tell({ record: made(1, 'running') });
    expect(heard).toEqual([null]);
  });
});
