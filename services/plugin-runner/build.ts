import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import type { BuildOptions, Plugin } from 'esbuild';
import { compileBundles, removeCompiled } from './compile-bundles.ts';
import { LATER, calledLater } from './express-later.ts';

/**
 * Builds the isolate: the file that its process begins with and one with all it needs at start, so that there is nothing else of ours that
 * a plugin could import. Beside them lie what V8 makes of them (compile-bundles.ts) and, for plugins that serve HTTP, Express's router;
 * for the first request, the rest of Express; and what most requests do without. Loading all of it took as long as starting Node does,
 * and 7 MB of every isolate's memory.
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
const beside: Plugin = {
  name: 'express and its router beside the isolate',
  setup(build) {
    build.onResolve({ filter: /^(express|router)$/ }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path: `./${path}.cjs`, external: true },
    );
  },
};
/** Isolates have an empty environment, so nobody can ask for its output; loading it costs 4 ms. */
const withoutDebug: Plugin = {
  name: 'without debug',
  setup(build) {
    build.onResolve({ filter: /^debug$/ }, () => ({ path: 'debug', namespace: 'silent' }));
    build.onLoad({ filter: /.*/, namespace: 'silent' }, () => ({
      contents: 'module.exports = () => Object.assign(() => undefined, { enabled: false });',
    }));
  },
};
// Tables of rare charsets are read when one comes, and JSON is read faster than the same as code.
const tables: BuildOptions = { loader: { '.json': 'copy' }, assetNames: 'tables/[name]' };

await mkdir(dist, { recursive: true });
await removeCompiled(dist);
await bundle({
  ...options,
  ...tables,
  entryPoints: ['express'],
  plugins: [withoutDebug, beside, calledLater('./express-later.cjs')],
  outfile: join(dist, 'express.cjs'),
});
await bundle({
  ...options,
  entryPoints: ['router'],
  plugins: [withoutDebug],
  outfile: join(dist, 'router.cjs'),
});
await bundle({
  ...options,
  ...tables,
  stdin: {
    contents: LATER.map((name) => `exports['${name}'] = () => require('${name}');`).join('\n'),
    // They are Express's dependencies, not ours.
    resolveDir: join(import.meta.dirname, '../../node_modules/express'),
  },
  plugins: [withoutDebug],
  outfile: join(dist, 'express-later.cjs'),
});
await bundle({
  ...options,
  entryPoints: [join(import.meta.dirname, 'src/isolate/main.ts')],
  plugins: [beside],
  outfile: join(dist, 'main.cjs'),
});
await bundle({
  ...options,
  entryPoints: [join(import.meta.dirname, 'src/isolate/bundles/begin.ts')],
  outfile: join(dist, 'isolate.cjs'),
});
await compileBundles(dist);

/** Each file is put in place whole: an isolate that starts just now finds the old one or the new one, never a part. */
async function bundle(what: BuildOptions): Promise<void> {
  const { outputFiles } = await build({ ...what, write: false });
  for (const { path, contents } of outputFiles) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.new`, contents);
    await rename(`${path}.new`, path);
  }
}
