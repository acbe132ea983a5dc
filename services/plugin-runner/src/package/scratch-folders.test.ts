import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Installation } from '@verifywise/contracts';
import { ScratchFolders } from './scratch-folders.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'vwr-scratch-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const plugin = (tenant: string, granted: Installation['granted']) => ({ tenant, pluginId: 'notes', granted });

test('a plugin that may read or write files has a folder of its own, the same each time', async () => {
  const folders = await ScratchFolders.open(root);
  const [acme, globex] = [
    await folders.forIsolate(plugin('acme', ['filesystem:write'])),
    await folders.forIsolate(plugin('globex', ['filesystem:read'])),
  ] as [string, string];
  expect(acme).not.toBe(globex);
  expect((await stat(acme)).mode & 0o777).toBe(0o700);
  await writeFile(join(acme, 'kept.txt'), 'kept');
  expect(await folders.forIsolate(plugin('acme', ['filesystem:write']))).toBe(acme);
  expect(await readdir(acme)).toEqual(['kept.txt']);
});

test('others have none', async () => {
  const folders = await ScratchFolders.open(root);
  expect(await folders.forIsolate(plugin('acme', ['http:outbound']))).toBeNull();
});

test('a folder goes with its plugin, and all go with their runner', async () => {
  const folders = await ScratchFolders.open(root);
  const acme = (await folders.forIsolate(plugin('acme', ['filesystem:write']))) as string;
  await folders.forIsolate(plugin('globex', ['filesystem:write']));
  await folders.remove('acme', 'notes');
  await folders.remove('acme', 'never-there');
  await expect(stat(acme)).rejects.toThrow('ENOENT');
  await folders.close();
  expect(await readdir(root)).toEqual([]);
});

test('what a runner that was killed left behind is removed by the next', async () => {
  // No process has this id: it is beyond what Linux and macOS give.
  const left = join(root, 'files-99999999-abcdef', 'acme');
  await mkdir(left, { recursive: true });
  await ScratchFolders.open(root);
  await expect(stat(left)).rejects.toThrow('ENOENT');
});
