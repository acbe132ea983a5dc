import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { packPlugin } from './pack-plugin.ts';
import { PluginsOnDisk } from './plugin-on-disk.ts';
import type { RegistryDocument } from './registry-document.ts';
import { zip } from './zip.ts';

const TOOL = fileURLToPath(new URL('list-packages.ts', import.meta.url));

/** Each run of the tool is a process that loads everything anew. */
jest.setTimeout(60_000);

let plugins: PluginsOnDisk;
let zips: string;

beforeEach(async () => {
  plugins = await PluginsOnDisk.make();
  zips = join(plugins.folder, 'zips');
  await mkdir(zips);
});

afterEach(() => plugins.remove());

async function pack(id: string, version: string): Promise<string> {
  const folder = await plugins.add(`${id}-${version}`, { id, version });
  await writeFile(join(folder, 'CHANGELOG.md'), `# Changelog\n\n## [${version}]\n\n- Made ${version}\n`);
  const { bytes, checksum, fileName } = await packPlugin(folder);
  await writeFile(join(zips, fileName), bytes);
  return checksum;
}

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env['PATH'], INIT_CWD: plugins.folder };
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [TOOL, ...args], { env });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

const written = async (): Promise<RegistryDocument> =>
  JSON.parse(await readFile(join(plugins.folder, 'registry.json'), 'utf8')) as RegistryDocument;

test('a folder of packages is listed in the newest version of each, with its own checksum and changelog', async () => {
  await pack('notes', '1.0.0');
  const checksum = await pack('notes', '1.1.0');
  await pack('auditor', '2.0.0');
  const { code, stdout } = await run(
    'zips',
    ...['--download-url', 'https://github.com/me/p/releases/download/{id}-{version}/{id}-{version}.zip'],
    ...['--icon-url', 'https://raw.githubusercontent.com/me/p/main/plugins/{id}/icon.png'],
  );
  expect(code).toBe(0);
  expect(stdout).toContain(`listed   notes 1.1.0 ${checksum}`);
  const { plugins: entries } = await written();
  expect(entries.map(({ id, version }) => `${id} ${version}`)).toEqual(['auditor 2.0.0', 'notes 1.1.0']);
  expect(entries[1]).toMatchObject({
    checksum,
    download: 'https://github.com/me/p/releases/download/notes-1.1.0/notes-1.1.0.zip',
    icon: 'https://raw.githubusercontent.com/me/p/main/plugins/notes/icon.png',
    versions: [
      { version: '1.1.0', changelog: '- Made 1.1.0' },
      { version: '1.0.0', changelog: '- Made 1.0.0' },
    ],
  });
});

test('what the installer would refuse is left out with its reason, and the rest is listed', async () => {
  await pack('notes', '1.0.0');
  await writeFile(join(zips, 'no-zip.zip'), 'this is no zip');
  await writeFile(join(zips, 'empty.zip'), await zip({ 'index.js': Buffer.from('') }));
  const { code, stderr } = await run('zips', '--base-url', 'https://registry.example/');
  expect(code).toBe(1);
  expect(stderr).toContain('NOT_A_ZIP');
  expect(stderr).toContain('manifest.json is missing');
  const { plugins: entries } = await written();
  expect(entries.map(({ download }) => download)).toEqual(['https://registry.example/downloads/notes-1.0.0.zip']);
});

test('what has not changed is not written again, so that a commit of it has nothing to say', async () => {
  await pack('notes', '1.0.0');
  await run('zips', '--base-url', 'https://registry.example');
  const before = await written();
  const { stdout } = await run('zips', '--base-url', 'https://registry.example');
  expect(stdout).toContain('says the same already');
  expect(await written()).toEqual(before);
});

test('without knowing where packages will be fetched it says what to say', async () => {
  expect(await run('zips')).toMatchObject({ code: 2, stderr: expect.stringContaining('--base-url') });
});
