/** The browser tab's title says how far the notebook in front is. */

import { PageConfig, PathExt } from '@jupyterlab/coreutils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Client } from '../client';
import { runsOf } from '../source';
import type { Run } from '../wire';
import { titleMark } from './model';
import type { RunningModel } from './model';

const MARK = /^▶ (?:\d+ % )?/u;

/** Keep the title in step with what runs of the notebook in front, whoever else writes it. */
export function followTitle(
  client: Client,
  model: RunningModel,
  notebooks: INotebookTracker
): void {
  const runs = new Map<string, Run[]>();
  const ours = (run: Run): boolean => {
    const panel = notebooks.currentWidget;
    const root = PageConfig.getOption('nbArtifactsRoot');
    const { kernel_id, notebook } = run.provenance;
    return (
      (kernel_id != null && kernel_id === panel?.sessionContext.session?.kernel?.id) ||
      (root !== '' && panel !== null && notebook === PathExt.join(root, panel.context.path))
    );
  };
  const write = (): void => {
    const running = model.items.filter(record => (runs.get(record.id) ?? []).some(ours));
    const title = titleMark(running, new Date()) + document.title.replace(MARK, '');
    if (document.title !== title) {
      document.title = title;
    }
  };
  const look = (): void => {
    for (const record of model.items) {
      if (!runs.has(record.id)) {
        runs.set(record.id, []);
        void runsOf(client, record).then(found => {
          runs.set(record.id, found);
          write();
        });
      }
    }
    const known = new Set(model.items.map(({ id }) => id));
    [...runs.keys()].filter(id => !known.has(id)).forEach(id => runs.delete(id));
    write();
  };
  model.changed.connect(look);
  notebooks.currentChanged.connect(write);
  const element = document.querySelector('title');
  if (element) {
    new MutationObserver(write).observe(element, { childList: true });
  }
}
