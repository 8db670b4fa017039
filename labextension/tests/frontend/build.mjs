// build.mjs OUT: bundles the front end of the browser tests into the folder OUT.

import { URL, fileURLToPath } from 'node:url';
import process from 'node:process';
import { build } from 'esbuild';

await build({
  entryPoints: { frontend: fileURLToPath(new URL('./index.ts', import.meta.url)) },
  outdir: process.argv[2],
  bundle: true,
  format: 'iife',
  target: 'es2022',
  define: { global: 'globalThis', process: '{"env":{}}' },
  loader: {
    '.svg': 'dataurl',
    '.woff': 'dataurl',
    '.woff2': 'dataurl',
    '.ttf': 'dataurl',
    '.eot': 'dataurl',
    '.png': 'dataurl'
  },
  logLevel: 'error'
});
