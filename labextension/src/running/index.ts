/** The plugin of all that runs: the status bar's item, a section of the running sessions, the tab's title. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRunningSessionManagers } from '@jupyterlab/running';
import { IStatusBar } from '@jupyterlab/statusbar';
import { sharedClient } from '../client';
import { summary, title } from '../format';
import { iconOf } from '../icons';
import { hasPages, openPage } from '../pages';
import type { WireRecord } from '../wire';
import { RunningModel } from './model';
import { StatusItem } from './status';
import { followTitle } from './title';

function open(record: WireRecord): void {
  if (hasPages()) {
    openPage({ id: record.id, key: record.key });
  }
}

/** Shows which bars and live tables run, whoever runs them. */
export const runningPlugin: JupyterFrontEndPlugin<void> = {
  id: 'nb-artifacts:running',
  description:
    'Progress and live tables in the status bar, among the running sessions and in the tab’s title.',
  autoStart: true,
  optional: [IStatusBar, IRunningSessionManagers, INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    statusBar: IStatusBar | null,
    sessions: IRunningSessionManagers | null,
    notebooks: INotebookTracker | null
  ): void => {
    const client = sharedClient(app.serviceManager.serverSettings);
    const model = new RunningModel(client);
    statusBar?.registerStatusItem('nb-artifacts:running', {
      item: new StatusItem(model, open),
      align: 'left',
      rank: 10,
      isActive: () => model.items.length > 0,
      activeStateChanged: model.counted
    });
    sessions?.add({
      name: 'Progress',
      running: () =>
        model.items.map(record => ({
          className: 'jp-nba-session',
          icon: () => iconOf(record.type),
          label: () => title(record),
          labelTitle: () => record.description ?? title(record),
          detail: () => summary(record),
          open: () => open(record)
        })),
      shutdownAll: () => undefined,
      refreshRunning: () => void model.load(),
      runningChanged: model.changed
    });
    if (notebooks) {
      followTitle(client, model, notebooks);
    }
  }
};
