/**
 * Brings back what a notebook's document lost: artifacts that still change are shown under their cells; once their
 * cell is over they are put into its outputs. Only the tab with the focus writes, and never into a document that is
 * read-only or changed on disk.
 */

import type { Cell, CodeCell } from '@jupyterlab/cells';
import { PageConfig, PathExt } from '@jupyterlab/coreutils';
import type { IOutput } from '@jupyterlab/nbformat';
import { NotebookActions } from '@jupyterlab/notebook';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Contents, ServiceManager } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import type { Client } from '../client';
import type { Run } from '../wire';
import {
  OURS,
  idOf,
  idsIn,
  isInterrupted,
  isLost,
  isRunning,
  mayMove,
  missing,
  outdated,
  restoredOutput
} from './lost';
import type { CellState, Output, Place } from './lost';
import { MadeModel } from './made';
import type { Made, Where } from './made';
import { Overlay } from './overlay';

/** Milliseconds by which the file may be newer than the document, as JupyterLab allows when it saves. */
const MARGIN = 500;

/** What a kernel says that is not at work; one that starts is another process than that of a run before. */
const OVER: readonly string[] = ['idle', 'starting', 'dead', 'restarting', 'autorestarting'];

export class Restorer implements IDisposable {
  readonly made: MadeModel;

  private readonly overlays = new Map<string, Overlay>();
  private readonly started = new Set<string>();
  /** Whether a cell's run was lost, decided when the run is first seen. */
  private readonly lost = new Map<string, { run: string; lost: boolean }>();
  private readonly writing = new Set<string>();
  private readonly refreshed = new Set<string>();
  private readonly ended = new AbortController();

  constructor(
    private readonly panel: NotebookPanel,
    private readonly client: Client,
    private readonly services: ServiceManager.IManager
  ) {
    this.made = new MadeModel(
      client,
      () => this.where(),
      (run, cell) => this.isLost(run, cell)
    );
    this.made.changed.connect((_, cell) => this.settle(cell));
    NotebookActions.executionScheduled.connect(this.onStart);
    NotebookActions.outputCleared.connect(this.onClear);
    panel.sessionContext.kernelChanged.connect(this.onPlace);
    panel.sessionContext.statusChanged.connect(this.onStatus);
    panel.context.pathChanged.connect(this.onPlace);
    panel.context.fileChanged.connect(this.onPlace);
    panel.disposed.connect(() => this.dispose());
    const { signal } = this.ended;
    const look = (): void => this.settle(null);
    window.addEventListener('focus', look, { signal });
    document.addEventListener('visibilitychange', look, { signal });
    void this.begin();
  }

  get isDisposed(): boolean {
    return this.ended.signal.aborted;
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.ended.abort();
    NotebookActions.executionScheduled.disconnect(this.onStart);
    NotebookActions.outputCleared.disconnect(this.onClear);
    this.made.dispose();
    this.overlays.forEach(overlay => overlay.dispose());
    this.overlays.clear();
  }

  private async begin(): Promise<void> {
    await this.panel.context.ready;
    await this.panel.revealed;
    if (!this.isDisposed) {
      await this.made.load();
    }
  }

  /** The kernel, the path or the file is another one: look again, also at what seemed to be in the document. */
  private readonly onPlace = (): void => {
    for (const [id, { lost }] of this.lost) {
      if (!lost && !this.started.has(id)) {
        this.lost.delete(id);
      }
    }
    void this.begin();
  };

  private readonly onStatus = (): void => {
    this.settle(null);
  };

  private readonly onStart = (_: unknown, { notebook, cell }: NotebookActionsArgs): void => {
    if (notebook === this.panel.content) {
      this.started.add(cell.model.id);
      this.keepAway(cell.model.id);
    }
  };

  private readonly onClear = (_: unknown, { notebook, cell }: NotebookActionsArgs): void => {
    const made = this.made.cells.get(cell.model.id);
    if (notebook === this.panel.content && made && isCode(cell)) {
      this.keepAway(cell.model.id);
      cell.model.setMetadata(OURS, { cleared: made.run.id });
    }
  };

  /** What the cell made so far is not brought back any more. */
  private keepAway(id: string): void {
    const made = this.made.cells.get(id);
    if (made) {
      this.lost.set(id, { run: made.run.id, lost: false });
    }
    this.takeAway(id);
  }

  private where(): Where {
    const { panel } = this;
    const root = PageConfig.getOption('nbArtifactsRoot');
    const local = this.services.contents.localPath(panel.context.path);
    return {
      kernel: panel.sessionContext.session?.kernel?.id ?? null,
      path: root ? PathExt.join(root, local) : null,
      cells: new Set(this.cells().map(cell => cell.model.id))
    };
  }

  private cells(): CodeCell[] {
    return this.panel.content.widgets.filter(isCode);
  }

  private place(): Place {
    const saved = Date.parse(this.panel.context.contentsModel?.last_modified ?? '');
    return { kernel: this.where().kernel, saved: Number.isNaN(saved) ? null : saved };
  }

  private isLost(run: Run, id: string): boolean {
    const known = this.lost.get(id);
    if (known?.run === run.id) {
      return known.lost;
    }
    const cell = this.cells().find(({ model }) => model.id === id);
    const lost =
      cell !== undefined && isLost(run, stateOf(cell, this.started.has(id)), this.place());
    this.lost.set(id, { run: run.id, lost });
    return lost;
  }

  /** Bring one cell, or all, to what is known now. */
  private settle(id: string | null): void {
    if (this.isDisposed) {
      return;
    }
    for (const cell of this.cells()) {
      const made = this.made.cells.get(cell.model.id);
      if (made && (id === null || cell.model.id === id)) {
        this.settleCell(cell, made);
      }
    }
  }

  private settleCell(cell: CodeCell, made: Made): void {
    const { id } = cell.model;
    const records = [...made.records.values()];
    const lost = this.isLost(made.run, id);
    const gone = lost ? missing(records, idsIn(outputsOf(cell))) : [];
    const over = this.isOver(made.run) && !records.some(isRunning);
    // a kernel that was killed could not write the last of what the document shows
    const untold = (lost || records.some(isInterrupted)) && !this.refreshed.has(made.run.id);
    if (over && (gone.length > 0 || untold) && this.mayWrite()) {
      void this.putBack(cell, made);
    }
    if (gone.length === 0) {
      this.takeAway(id);
    } else {
      const ids = gone.map(record => record.id);
      this.overlayOf(cell).list(ids, this.reason(over));
    }
  }

  private reason(over: boolean): string {
    if (!this.canWrite()) {
      return 'Not in this notebook, which is read-only: shown from the store.';
    }
    return over
      ? 'Not in this notebook yet: shown from the store.'
      : 'Goes into the notebook when the cell is done.';
  }

  private overlayOf(cell: CodeCell): Overlay {
    const { id } = cell.model;
    let overlay = this.overlays.get(id);
    if (overlay === undefined || overlay.isDisposed) {
      overlay = new Overlay(this.client);
      this.overlays.set(id, overlay);
      void overlay.stand(cell);
    }
    return overlay;
  }

  private takeAway(id: string): void {
    this.overlays.get(id)?.dispose();
    this.overlays.delete(id);
  }

  /** A run is over when it says so, or when the kernel that would say so is idle or gone. */
  private isOver(run: Run): boolean {
    if (run.state !== 'running') {
      return true;
    }
    const { kernel_id } = run.provenance;
    const kernel = this.panel.sessionContext.session?.kernel;
    if (kernel && kernel.id === kernel_id) {
      return OVER.includes(kernel.status);
    }
    const { kernels } = this.services;
    return kernels.isReady && ![...kernels.running()].some(({ id }) => id === kernel_id);
  }

  private canWrite(): boolean {
    const { context } = this.panel;
    return !context.model.readOnly && context.contentsModel?.writable !== false;
  }

  private mayWrite(): boolean {
    return this.canWrite() && document.visibilityState === 'visible' && document.hasFocus();
  }

  /** Whether the file is what the document was loaded from or saved as. With shared editing they are always one. */
  private async isCurrent(): Promise<boolean> {
    const { context } = this.panel;
    if (context.model.collaborative) {
      return true;
    }
    const ours = context.contentsModel;
    const theirs: Contents.IModel = await this.services.contents.get(context.path, {
      content: false
    });
    const later = Date.parse(theirs.last_modified) - Date.parse(ours?.last_modified ?? '');
    return later <= MARGIN;
  }

  private async putBack(cell: CodeCell, made: Made): Promise<void> {
    const { id } = made.run;
    if (this.writing.has(id)) {
      return;
    }
    this.writing.add(id);
    try {
      if (await this.isCurrent()) {
        const outputs = await this.outputsFor(cell, made);
        if (
          !cell.isDisposed &&
          this.mayWrite() &&
          this.made.cells.get(cell.model.id)?.run.id === id
        ) {
          this.write(cell, made, outputs);
          this.refreshed.add(id);
          this.settleCell(cell, made);
        }
      }
    } catch {
      // the cards stay; the next change, focus or answer of the store tries again
    } finally {
      this.writing.delete(id);
    }
  }

  /** New outputs by id: those that are missing, and bars that were saved while they moved. */
  private async outputsFor(cell: CodeCell, { run, records }: Made): Promise<Map<string, Output>> {
    const shown = idsIn(outputsOf(cell));
    const moved = [...records.values()].filter(record => mayMove(record) && shown.has(record.id));
    const gone = this.isLost(run, cell.model.id) ? missing([...records.values()], shown) : [];
    const wanted = [...moved, ...gone];
    const made = await Promise.all(
      wanted.map(async ({ id }) => [id, restoredOutput(await this.client.output(id))] as const)
    );
    return new Map(made);
  }

  private write({ model }: CodeCell, { run, records }: Made, outputs: Map<string, Output>): void {
    const lost = this.isLost(run, model.id);
    if (lost) {
      const old = outdated(model.outputs.toJSON(), new Set(records.keys()));
      old.reverse().forEach(index => model.outputs.remove(index));
    }
    const kept = model.outputs.toJSON() as Output[];
    kept.forEach((output, index) => {
      const id = idOf(output) ?? '';
      const fresh = outputs.get(id);
      outputs.delete(id);
      if (fresh && fresh.data?.['text/plain'] !== plainOf(output)) {
        model.outputs.set(index, fresh as unknown as IOutput);
      }
    });
    outputs.forEach(output => model.outputs.add(output as unknown as IOutput));
    if (lost && run.provenance.execution_count != null) {
      model.executionCount = run.provenance.execution_count;
    }
  }
}

type NotebookActionsArgs = Parameters<
  Parameters<typeof NotebookActions.executionScheduled.connect>[0]
>[1];

function isCode(cell: Cell): cell is CodeCell {
  return cell.model.type === 'code';
}

function plainOf({ data }: Output): string {
  const text = data?.['text/plain'];
  return Array.isArray(text) ? text.join('') : typeof text === 'string' ? text : '';
}

function outputsOf({ model }: CodeCell): Output[] {
  return model.outputs.toJSON();
}

function stateOf(cell: CodeCell, started: boolean): CellState {
  const ours = cell.model.getMetadata(OURS) as { cleared?: unknown } | undefined;
  return {
    count: cell.model.executionCount,
    shown: idsIn(outputsOf(cell)),
    started,
    cleared: typeof ours?.cleared === 'string' ? ours.cleared : null
  };
}
