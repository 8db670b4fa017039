/** The mime renderer of outputs. */
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';
import { MIME } from './wire';

class Output extends Widget implements IRenderMime.IRenderer {
  async renderModel(): Promise<void> {}
}

const extension: IRenderMime.IExtension = {
  id: 'nb-artifacts:mime',
  rendererFactory: { safe: true, mimeTypes: [MIME], createRenderer: () => new Output() },
  rank: -20,
  dataType: 'json'
};

export default extension;
