/**
 * What the stand-alone page has in place of JupyterLab: requests with the log-in's cookie, plain icons. The bundler puts
 * this file where `@jupyterlab/coreutils`, `@jupyterlab/services` and `@jupyterlab/ui-components` are imported.
 */

// eslint-disable-next-line @typescript-eslint/no-namespace -- the shape that JupyterLab gives it
export namespace ServerConnection {
  export interface ISettings {
    baseUrl: string;
  }

  export function makeSettings(): ISettings {
    return { baseUrl: new URL('/', location.href).href };
  }

  /** A request; without a valid key the log-in page comes back. */
  export async function makeRequest(
    url: string,
    init: RequestInit,
    _settings: ISettings
  ): Promise<Response> {
    const response = await fetch(url, { cache: 'no-store', ...init, credentials: 'same-origin' });
    if (response.status === 401) {
      location.assign('/login');
    }
    return response;
  }
}

// eslint-disable-next-line @typescript-eslint/no-namespace -- the shape that JupyterLab gives it
export namespace URLExt {
  /** The stand-alone API lies at `api/`, without JupyterLab's folder of extensions. */
  export function join(base: string, path: string): string {
    return base + path.replace(/^nb-artifacts\//, '');
  }
}

export class LabIcon {
  constructor(private readonly options: { name: string; svgstr: string }) {}

  element({ className = '', tag = 'div' }: { className?: string; tag?: string } = {}): HTMLElement {
    const host = document.createElement(tag);
    host.className = className;
    const svg = new DOMParser().parseFromString(this.options.svgstr, 'image/svg+xml');
    host.append(document.importNode(svg.documentElement, true));
    return host;
  }
}
