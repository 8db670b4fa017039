// Bundles the views for anywidget into the Python package: one module with its styles, which loads nothing.

import { URL, fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path => fileURLToPath(new URL(path, import.meta.url));
const host = here('./src/page/host.ts');

const { outputFiles } = await build({
  entryPoints: [here('./style/widget.css')],
  bundle: true,
  minify: true,
  write: false,
  logLevel: 'warning'
});
await build({
  entryPoints: { widget: here('./src/widget.ts') },
  outdir: here('../nb_artifacts/static'),
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  define: { NBA_STYLES: JSON.stringify(outputFiles[0].text) },
  alias: {
    '@jupyterlab/coreutils': host,
    '@jupyterlab/services': host,
    '@jupyterlab/ui-components': host,
    '@jupyterlab/rendermime': here('./node_modules/@jupyterlab/rendermime/lib/latex.js')
  },
  logLevel: 'warning'
});
