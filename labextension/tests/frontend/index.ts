/**
 * A front end like VS Code's, for the browser tests: outputs as HTML or, where there is a widget, as that; nothing of
 * ours is installed in it. It talks to a kernel of a real Jupyter server.
 */

import * as base from '@jupyter-widgets/base';
import { HTMLManager } from '@jupyter-widgets/html-manager/lib/htmlmanager';
import { KernelManager, ServerConnection } from '@jupyterlab/services';
import type { Kernel, KernelMessage } from '@jupyterlab/services';

const VIEW = 'application/vnd.jupyter.widget-view+json';

type Define = (
  names: string[] | ((...modules: unknown[]) => unknown),
  make?: (...modules: unknown[]) => unknown
) => void;

const modules = new Map<string, Promise<unknown>>();

/** A widget's own module, in the form of AMD, as a front end gets it from where widgets are kept: once. */
function loadModule(name: string): Promise<unknown> {
  const known = modules.get(name);
  if (known) {
    return known;
  }
  const loading = new Promise((resolve, reject) => {
    const define: Define & { amd?: true } = (names, make) => {
      resolve(typeof names === 'function' ? names(base) : make?.(...names.map(() => base)));
    };
    define.amd = true;
    Object.assign(window, { define });
    const script = document.createElement('script');
    script.src = `/elsewhere/${name}.js`;
    script.onerror = () => reject(new Error(`There is no ${name}.`));
    document.head.append(script);
  });
  modules.set(name, loading);
  return loading;
}

class Manager extends HTMLManager {
  constructor(private readonly kernel: Kernel.IKernelConnection) {
    super({ loader: loadModule });
    kernel.registerCommTarget(this.comm_target_name, async (comm, message) => {
      await this.handle_comm_open(new base.shims.services.Comm(comm), message); // what follows waits for the model
    });
  }

  override _create_comm(
    target: string,
    id: string,
    data?: never,
    metadata?: never
  ): Promise<base.IClassicComm> {
    const comm = this.kernel.createComm(target, id);
    if (data || metadata) {
      comm.open(data, metadata);
    }
    return Promise.resolve(new base.shims.services.Comm(comm));
  }
}

interface Bundle {
  data: { [mime: string]: unknown };
  transient?: { display_id?: string };
}

/** One output; an update goes to all of the same display id. */
async function show(manager: Manager, host: HTMLElement, { data }: Bundle): Promise<void> {
  const view = data[VIEW] as { model_id: string } | undefined;
  if (view) {
    const model = await manager.get_model(view.model_id);
    host.replaceChildren();
    await manager.display_view(manager.create_view(model), host);
  } else if (typeof data['text/html'] === 'string') {
    host.innerHTML = data['text/html'];
  } else {
    host.textContent = String(data['text/plain']);
  }
}

function listen(manager: Manager, message: KernelMessage.IIOPubMessage): void {
  const content = message.content as unknown as Bundle & { text?: string; evalue?: string };
  const id = content.transient?.display_id ?? '';
  switch (message.header.msg_type) {
    case 'display_data':
    case 'execute_result': {
      const host = document.createElement('div');
      host.className = 'output';
      host.dataset['displayId'] = id;
      document.body.append(host);
      void show(manager, host, content);
      break;
    }
    case 'update_display_data':
      document
        .querySelectorAll<HTMLElement>(`[data-display-id="${CSS.escape(id)}"]`)
        .forEach(host => void show(manager, host, content));
      break;
    case 'error':
      document.body.append(`error: ${content.evalue}`);
      break;
    default:
  }
}

async function start(baseUrl: string, token: string): Promise<(code: string) => Promise<string>> {
  const serverSettings = ServerConnection.makeSettings({
    baseUrl,
    wsUrl: baseUrl.replace(/^http/, 'ws'),
    token,
    appendToken: true
  });
  const kernel = await new KernelManager({ serverSettings }).startNew({ name: 'python3' });
  const manager = new Manager(kernel);
  return async code => {
    const future = kernel.requestExecute({ code });
    future.onIOPub = message => listen(manager, message);
    return (await future.done).content.status;
  };
}

Object.assign(window, { start });
