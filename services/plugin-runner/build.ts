import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import type { BuildOptions, Plugin } from 'esbuild';

/**
 * Builds the isolate's single file: one read at start, and nothing else of ours that a plugin could import. Express lies beside it for
 * plugins that serve HTTP: only parsing its 800 kB cost every isolate 7 MB of memory.
 */
const dist = join(import.meta.dirname, 'dist');
const options: BuildOptions = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node24',
  minify: true,
  keepNames: true,
  legalComments: 'none',
  // import() of a plugin's own file must stay an import.
  supported: { 'dynamic-import': true },
  logLevel: 'warning',
};
const expressBeside: Plugin = {
  name: 'express beside the isolate',
  setup(build) {
    build.onResolve({ filter: /^express$/ }, () => ({ path: './express.cjs', external: true }));
  },
};

await mkdir(dist, { recursive: true });
await bundle({
  ...options,
  stdin: { contents: "module.exports = require('express');", resolveDir: import.meta.dirname },
  outfile: join(dist, 'express.cjs'),
  // Tables of rare charsets are read when one comes, and JSON is read faster than the same as code.
  loader: { '.json': 'copy' },
  assetNames: 'tables/[name]',
});
await bundle({
  ...options,
  entryPoints: [join(import.meta.dirname, 'src/isolate/main.ts')],
  plugins: [expressBeside],
  outfile: join(dist, 'isolate.cjs'),
});
