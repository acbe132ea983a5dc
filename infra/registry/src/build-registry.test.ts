import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { buildRegistry } from './build-registry.ts';
import { PluginsOnDisk } from './plugin-on-disk.ts';
import { findPluginFolders } from './plugin-folders.ts';

let plugins: PluginsOnDisk;

beforeEach(async () => {
  plugins = await PluginsOnDisk.make();
});

afterEach(() => plugins.remove());

async function addVersion(path: string, id: string, version: string): Promise<string> {
  const folder = await plugins.add(path, { id, version });
  await writeFile(
    join(folder, 'CHANGELOG.md'),
    `# Changelog\n\n## [${version}] - 2025-01-01\n\n- What is new\n\n## 0.1\n\n- Old\n`,
  );
  return folder;
}

test('plugins are found one or two levels down, and their older versions', async () => {
  await plugins.add('flat');
  await plugins.add('builtin/nested');
  await plugins.add('builtin/nested/versions/0.9.0');
  await plugins.add('builtin/nested/src/not-a-plugin');
  await plugins.add('builtin/node_modules/not-a-plugin');
  await plugins.add('a/b/too-deep');
  const found = await findPluginFolders(plugins.folder);
  expect(found.map((folder) => relative(plugins.folder, folder))).toEqual([
    'builtin/nested',
    'builtin/nested/versions/0.9.0',
    'flat',
  ]);
});

test('a plugin is listed in its newest release, with every version beside it', async () => {
  const folders = [
    await addVersion('a', 'some-plugin', '1.9.0'),
    await addVersion('b', 'some-plugin', '1.10.0'),
    await addVersion('c', 'some-plugin', '2.0.0-beta.1'),
    await addVersion('d', 'another-plugin', '1.0'),
  ];
  const now = new Date('2025-12-08T12:00:00Z');
  const { document, packages, refused } = await buildRegistry(folders, 'https://registry.example', now);

  expect(refused).toEqual([]);
  expect(document).toMatchObject({ version: '1.0.0', generated: '2025-12-08T12:00:00.000Z' });
  expect(document.plugins.map(({ id, version }) => `${id} ${version}`)).toEqual([
    'another-plugin 1.0.0',
    'some-plugin 1.10.0',
  ]);
  const entry = document.plugins[1];
  expect(entry).toMatchObject({
    type: 'feature',
    icon: 'https://registry.example/icons/some-plugin.png',
    download: 'https://registry.example/downloads/some-plugin-1.10.0.zip',
    checksum: packages.find(({ fileName }) => fileName === 'some-plugin-1.10.0.zip')?.checksum,
    compatibility: { minVersion: '1.6.0' },
  });
  expect(entry?.versions.map(({ version, changelog }) => [version, changelog])).toEqual([
    ['2.0.0-beta.1', '- What is new'],
    ['1.10.0', '- What is new'],
    ['1.9.0', '- What is new'],
  ]);
});

test('a broken plugin and a version that is there twice are left out with the reason, the others stay', async () => {
  const good = await addVersion('good', 'good', '1.0.0');
  const twice = await addVersion('twice', 'good', '1.0.0');
  const broken = await plugins.add('broken', { id: 'Broken' });
  const { document, refused } = await buildRegistry([good, twice, broken], 'https://registry.example');
  expect(document.plugins.map(({ id }) => id)).toEqual(['good']);
  expect(refused.map(({ folder, error }) => [folder, error.message])).toEqual([
    [twice, expect.stringContaining('good 1.0.0 as well')],
    [broken, expect.stringContaining('"id" is no plugin id')],
  ]);
});
