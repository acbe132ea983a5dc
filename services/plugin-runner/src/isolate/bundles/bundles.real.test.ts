import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isolateBundle } from '../../package/isolate-bundle.ts';

/** Loads what an isolate loads, with an isolate's flags, and prints which compiled forms V8 refused. */
const LOADER = `
import { createRequire } from 'node:module';
import { Bundles } from ${JSON.stringify(join(import.meta.dirname, 'bundles.ts'))};
const bundles = new Bundles(process.argv[2], createRequire(import.meta.url));
bundles.load('./router.cjs');
const answer = typeof bundles.load('./express.cjs');
const refused = [...bundles.scripts].map(([file, script]) => [file.split('/').at(-1), script.cachedDataRejected ?? null]);
process.stdout.write(JSON.stringify({ answer, refused }));
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vw-bundles-'));
  await cp(dirname(isolateBundle()), folder, { recursive: true });
  await writeFile(join(folder, 'loader.mjs'), LOADER);
});
afterAll(() => rm(folder, { recursive: true }));

async function load(): Promise<unknown> {
  const flags = ['--permission', '--allow-fs-read=*', '--max-old-space-size=77', '--no-warnings'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, join(folder, 'loader.mjs'), folder]);
  return JSON.parse(stdout);
}

test('bundles are run as they were compiled when the platform was built', async () => {
  await expect(load()).resolves.toEqual({
    answer: 'function',
    refused: [
      ['router.cjs', false],
      ['express.cjs', false],
    ],
  });
  await expect(readFile(join(folder, 'main.cjs.compiled'))).resolves.toHaveProperty('length');
});

test("without a compiled form, or with another V8's, they are compiled anew", async () => {
  await rm(join(folder, 'router.cjs.compiled'));
  await writeFile(join(folder, 'express.cjs.compiled'), 'something else');
  await expect(load()).resolves.toEqual({
    answer: 'function',
    refused: [
      ['router.cjs', null],
      ['express.cjs', true],
    ],
  });
});
