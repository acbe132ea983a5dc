import { renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Bundles, compiledFile } from './bundles.ts';

/**
 * An isolate of the build (compile-bundles.ts): when it is told to, it keeps what V8 has compiled of each bundle so far, and ends. Taken
 * before the guards change them: what writes and renames files, and what ends a process.
 */
const write = writeFileSync;
const rename = renameSync;
const exit = (process as unknown as { reallyExit(code: number): never }).reallyExit.bind(process);
const [, , folder = '.'] = process.argv;
const bundles = new Bundles(folder, createRequire(join(folder, 'isolate.cjs')));

process.once('SIGUSR2', () => {
  // What the first request loads; until here nothing has.
  bundles.load('./express.cjs');
  for (const [bundle, script] of bundles.scripts) {
    const file = compiledFile(bundle);
    // An isolate that starts just now finds all of it or none.
    write(`${file}.new`, script.createCachedData());
    rename(`${file}.new`, file);
  }
  exit(0);
});
bundles.load('./main.cjs');
