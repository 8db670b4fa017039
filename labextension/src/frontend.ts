/** What the running front end lends to outputs and pages alike, once its plugins are there. */

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { JSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import { dataTypes, drawnAs, withoutOptions } from './bundle';
import type { MimeBundle, Tools } from './source';

let registry: IRenderMimeRegistry | null = null;

/** Draw data types with the renderers of `rendermime` from now on. */
export function useRenderers(rendermime: IRenderMimeRegistry): void {
  registry = rendermime;
}

/** Draw the best data type of a bundle into `host`, by a renderer that the front end has; false if there is none. */
async function draw(bundle: MimeBundle, host: HTMLElement, signal: AbortSignal): Promise<boolean> {
  const known = new Set(registry?.mimeTypes ?? []);
  const type = dataTypes(bundle).find(mime => drawnAs(mime, known) !== null);
  const mime = type === undefined ? null : drawnAs(type, known);
  if (!registry || type === undefined || mime === null || signal.aborted || !host.isConnected) {
    return false;
  }
  const renderer = registry.createRenderer(mime);
  const model = registry.createModel({
    data: { [mime]: withoutOptions(bundle.data[type]) } as JSONObject,
    metadata: { [mime]: bundle.metadata[type] ?? {} } as JSONObject,
    trusted: false
  });
  Widget.attach(renderer, host);
  signal.addEventListener('abort', () => renderer.dispose(), { once: true });
  try {
    await renderer.renderModel(model);
  } catch (error) {
    renderer.dispose();
    throw error;
  }
  return true;
}

/** The tools of sources. Outputs bring their own parsers; pages take the registry's. */
export function tools(options: Partial<IRenderMime.IRendererOptions> = {}): Tools {
  return {
    markdownParser: options.markdownParser ?? registry?.markdownParser ?? null,
    latexTypesetter: options.latexTypesetter ?? registry?.latexTypesetter ?? null,
    mime: draw
  };
}
