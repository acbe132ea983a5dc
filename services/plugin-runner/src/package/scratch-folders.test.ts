import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Permission } from '@verifywise/plugin-types';
import { ScratchFolders } from './scratch-folders.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'vwr-scratch-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const plugin = (tenant: string, stay = 'first') => ({ tenant, pluginId: 'notes', stay });
const WRITES: Permission[] = ['filesystem:write'];

test('a plugin that may read or write files has a folder of its own, the same each time', async () => {
  const folders = await ScratchFolders.open(root);
  const [acme, globex] = [
    await folders.forIsolate(plugin('acme'), WRITES),
    await folders.forIsolate(plugin('globex'), ['filesystem:read']),
  ] as [string, string];
  expect(acme).not.toBe(globex);
  expect((await stat(acme)).mode & 0o777).toBe(0o700);
  await writeFile(join(acme, 'kept.txt'), 'kept');
  expect(await folders.forIsolate(plugin('acme'), WRITES)).toBe(acme);
  expect(await readdir(acme)).toEqual(['kept.txt']);
});

test('others have none', async () => {
  const folders = await ScratchFolders.open(root);
  expect(await folders.forIsolate(plugin('acme'), ['http:outbound'])).toBeNull();
});

test('a folder goes with its plugin, and all go with their runner', async () => {
  const folders = await ScratchFolders.open(root);
  const acme = (await folders.forIsolate(plugin('acme'), WRITES)) as string;
  await folders.forIsolate(plugin('globex'), WRITES);
  await folders.remove(plugin('acme'));
  await folders.remove(plugin('acme', 'never there'));
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

test('what an earlier stay leaves is not what the next one finds, and its removal takes nothing from it', async () => {
  const folders = await ScratchFolders.open(root);
  const first = (await folders.forIsolate(plugin('acme'), WRITES)) as string;
  await writeFile(join(first, 'old.txt'), 'old');
  const second = (await folders.forIsolate(plugin('acme', 'second'), WRITES)) as string;
  expect(await readdir(second)).toEqual([]);
  await folders.remove(plugin('acme'));
  expect(await readdir(second)).toEqual([]);
  await expect(stat(first)).rejects.toThrow('ENOENT');
});

test('a folder that its plugin has closed to everybody is removed all the same', async () => {
  const script = `
    import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
    import { dirname } from 'node:path';
    import { ScratchFolders } from ${JSON.stringify(join(import.meta.dirname, 'scratch-folders.ts'))};
    // Root may do everything, so whoever is root does this as somebody who may not.
    if (process.getuid() === 0) process.seteuid(65534);
    const owner = { tenant: 'acme', pluginId: 'notes', stay: 'first' };
    const folders = await ScratchFolders.open(process.argv[1]);
    const folder = await folders.forIsolate(owner, ['filesystem:write']);
    await mkdir(folder + '/closed/inner', { recursive: true });
    await writeFile(folder + '/closed/inner/file', '');
    await chmod(folder + '/closed/inner', 0);
    await chmod(folder + '/closed', 0);
    await folders.remove(owner);
    process.stdout.write(JSON.stringify(await readdir(dirname(folder))));`;
  await chmod(root, 0o777);
  const args = ['--input-type=module', '--no-warnings', '-e', script, root];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(JSON.parse(stdout)).toEqual([]);
});
