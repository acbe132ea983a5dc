import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findKernelTools } from './kernel-tools.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'vwr-tools-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** A folder with one program of this name. */
async function folderWith(name: string, script: string): Promise<string> {
  const folder = await mkdtemp(join(root, 'bin-'));
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, name), 0o755);
  return folder;
}

test('a tool is found wherever it is on the path', async () => {
  const folder = await folderWith('setpriv', 'shift 2; exec "$@"');
  expect(findKernelTools(`/nowhere:${folder}`)).toEqual({ prlimit: null, setpriv: join(folder, 'setpriv') });
});

test('one that cannot do what is asked of it is passed over, as that of BusyBox', async () => {
  const busybox = await folderWith('setpriv', 'echo "unrecognized option: pdeathsig" >&2; exit 1');
  const linux = await folderWith('setpriv', 'shift 2; exec "$@"');
  expect(findKernelTools(busybox).setpriv).toBeNull();
  expect(findKernelTools(`${busybox}:${linux}`).setpriv).toBe(join(linux, 'setpriv'));
});
