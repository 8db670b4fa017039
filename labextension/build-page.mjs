// Bundles the stand-alone page into the Python package: the views of JupyterLab without JupyterLab.

import { URL, fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path => fileURLToPath(new URL(path, import.meta.url));
const host = here('./src/page/host.ts');

await build({
  entryPoints: { page: here('./src/page/index.ts') },
  outdir: here('../nb_artifacts/page'),
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  alias: {
    '@jupyterlab/coreutils': host,
    '@jupyterlab/services': host,
    '@jupyterlab/ui-components': host,
    '@jupyterlab/rendermime': here('./node_modules/@jupyterlab/rendermime/lib/latex.js')
  },
  logLevel: 'warning'
});
await build({
  entryPoints: { page: here('./style/page.css') },
  outdir: here('../nb_artifacts/page'),
  bundle: true,
  minify: true,
  logLevel: 'warning'
});
