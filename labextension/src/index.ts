/** The extension's plugins: wiring only. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { useRenderers } from './frontend';
import { notebookPlugin } from './notebook';
import { panelPlugin } from './panel';
import { runningPlugin } from './running';
import { setRemoteImages } from './remote';
import type { RemoteImages } from './remote';

const settingsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'nb-artifacts:plugin',
  description: 'Settings of artifacts in outputs and pages.',
  autoStart: true,
  requires: [ISettingRegistry],
  activate: async (_app, registry: ISettingRegistry) => {
    const settings = await registry.load('nb-artifacts:plugin');
    const apply = (): void =>
      setRemoteImages(settings.get('remoteImages').composite as RemoteImages);
    settings.changed.connect(apply);
    apply();
  }
};

const renderersPlugin: JupyterFrontEndPlugin<void> = {
  id: 'nb-artifacts:renderers',
  description: 'Lends the front end’s renderers of charts to artifacts.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  activate: (_app, rendermime: IRenderMimeRegistry) => useRenderers(rendermime)
};

const plugins: JupyterFrontEndPlugin<void>[] = [
  settingsPlugin,
  renderersPlugin,
  panelPlugin,
  notebookPlugin,
  runningPlugin
];

export default plugins;
