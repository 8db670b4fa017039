/** The plugin that follows open notebooks: wiring only. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { sharedClient } from '../client';
import { Restorer } from './restorer';

/** Shows what the cells of open notebooks made and their documents lost, and puts it back. */
export const notebookPlugin: JupyterFrontEndPlugin<void> = {
  id: 'nb-artifacts:notebook',
  description: 'Brings back outputs of cells that a reload lost.',
  autoStart: true,
  requires: [INotebookTracker],
  activate: (app: JupyterFrontEnd, notebooks: INotebookTracker): void => {
    const client = sharedClient(app.serviceManager.serverSettings);
    const follow = (_: unknown, panel: INotebookTracker['currentWidget']): void => {
      if (panel) {
        new Restorer(panel, client, app.serviceManager);
      }
    };
    notebooks.forEach(panel => follow(null, panel));
    notebooks.widgetAdded.connect(follow);
  }
};
