import { createHash } from 'node:crypto';
import { cp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Open } from 'unzipper';
import { packPlugin } from './pack-plugin.ts';
import { PluginFolderError } from './plugin-folder-error.ts';
import { PluginsOnDisk } from './plugin-on-disk.ts';

let plugins: PluginsOnDisk;
let folder: string;

beforeEach(async () => {
  plugins = await PluginsOnDisk.make();
  folder = await plugins.add('minimal-test-plugin');
});

afterEach(() => plugins.remove());

async function problemsOf(path: string): Promise<readonly string[]> {
  const error = await packPlugin(path).catch((thrown: unknown) => thrown);
  if (error instanceof PluginFolderError) return error.problems;
  throw new Error('the folder was packed', { cause: error });
}

test('the same folder packs to the same bytes, also from another place and time', async () => {
  const first = await packPlugin(folder);
  const elsewhere = join(plugins.folder, 'elsewhere');
  await cp(folder, elsewhere, { recursive: true });
  await utimes(join(elsewhere, 'README.md'), new Date(0), new Date(0));
  const second = await packPlugin(elsewhere);

  expect(second.checksum).toBe(first.checksum);
  expect(second.bytes.equals(first.bytes)).toBe(true);
  expect(first.fileName).toBe('minimal-test-plugin-1.0.0.zip');
  expect(first.checksum).toBe(`sha256:${createHash('sha256').update(first.bytes).digest('hex')}`);
});

test('another zip reader finds the five files, as they were written', async () => {
  const { files } = await Open.buffer((await packPlugin(folder)).bytes);
  expect(files.map(({ path }) => path)).toEqual(['CHANGELOG.md', 'README.md', 'icon.png', 'index.js', 'manifest.json']);
  for (const file of files.filter(({ path }) => path !== 'index.js')) {
    expect(await file.buffer()).toEqual(await readFile(join(folder, file.path)));
  }
});

test('the code is one CommonJS file that exports the plugin with its manifest', async () => {
  const { files } = await Open.buffer((await packPlugin(folder)).bytes);
  const code = await files.find(({ path }) => path === 'index.js')?.buffer();
  const module: { exports: unknown } = { exports: {} };
  const run = compileFunction(code?.toString() ?? '', ['module', 'exports']) as (...given: unknown[]) => void;
  run(module, module.exports);
  expect(module.exports).toMatchObject({
    default: { manifest: { id: 'minimal-test-plugin', version: '1.0.0' }, onEnable: expect.any(Function) },
  });
});

describe('a folder that cannot be published is refused with the reason', () => {
  test.each([
    ['manifest.json', 'manifest.json is missing'],
    ['icon.png', 'icon.png is missing'],
    ['CHANGELOG.md', 'CHANGELOG.md is missing'],
    ['README.md', 'README.md is missing'],
    ['src', 'There is no code'],
  ])('without %s', async (name, problem) => {
    await rm(join(folder, name), { recursive: true });
    expect(await problemsOf(folder)).toEqual([expect.stringContaining(problem)]);
  });

  test.each([
    ['manifest.json', '{', 'manifest.json is not JSON'],
    ['manifest.json', 'null', 'manifest.json: The manifest is not a JSON object'],
    ['icon.png', 'a picture', 'icon.png is no PNG file'],
    ['CHANGELOG.md', '# Changelog\n\n## [0.9.0]\n', 'CHANGELOG.md does not mention version 1.0.0'],
    ['README.md', ' \n', 'README.md is empty'],
    ['src/index.ts', 'export default {', 'src/index.ts:1: '],
    ['src/index.ts', "import 'not-there';", 'not-there'],
  ])('with %s as %j', async (name, content, problem) => {
    await writeFile(join(folder, name), content);
    expect(await problemsOf(folder)).toEqual([expect.stringContaining(problem)]);
  });

  test.each([
    ['cut off', (icon: Buffer) => icon.subarray(0, -5)],
    ['changed', (icon: Buffer) => icon.fill(0, 60, 61)],
    ['longer than it says', (icon: Buffer) => Buffer.concat([icon, Buffer.from('x')])],
  ])('with an icon that is %s', async (_how, damage) => {
    await writeFile(join(folder, 'icon.png'), damage(await readFile(join(folder, 'icon.png'))));
    expect(await problemsOf(folder)).toEqual([expect.stringContaining('damaged')]);
  });

  test('with an icon of another size', async () => {
    const icon = await readFile(join(folder, 'icon.png'));
    icon.writeUInt32BE(65, 16);
    icon.writeUInt32BE(crc32(icon.subarray(12, 29)), 29);
    await writeFile(join(folder, 'icon.png'), icon);
    expect(await problemsOf(folder)).toEqual(['icon.png is 65×64 pixels. Make it 64×64']);
  });

  test('all reasons come at once', async () => {
    await rm(join(folder, 'icon.png'));
    await rm(join(folder, 'README.md'));
    await writeFile(join(folder, 'manifest.json'), '{"id": "X"}');
    const problems = await problemsOf(folder);
    expect(problems.length).toBeGreaterThan(5);
    expect(problems.join()).toMatch(/icon\.png.*README\.md/s);
  });

  test('when it does not exist', async () => {
    expect(await problemsOf(join(plugins.folder, 'nowhere'))).toHaveLength(5);
  });
});
