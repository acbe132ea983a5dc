import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Builds the isolate's single file: one read at start, and nothing else of ours that a plugin could import. */
const dist = join(import.meta.dirname, 'dist');
await mkdir(dist, { recursive: true });
await build({
  entryPoints: [join(import.meta.dirname, 'src/isolate/main.ts')],
  outfile: join(dist, 'isolate.cjs'),
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
});
