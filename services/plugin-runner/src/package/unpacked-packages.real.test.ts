import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { PackageRef } from '@verifywise/contracts';
import { createLogger } from '@verifywise/service-kit';
import { eventually } from '../../../../test/support/eventually.ts';
import { zipOf } from './fixtures/zip-of.ts';
import { UnpackedPackages } from './unpacked-packages.ts';

/** What nobody uses stays for so long. */
const KEEP_UNUSED_MS = 200;

describe('the unpacked packages of a machine', () => {
  let root: string;
  let ref: PackageRef;
  let bytes: Buffer;
  let fetched: number;
  const opened: UnpackedPackages[] = [];
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'vw-packages-'));
    bytes = await zipOf({ 'index.js': 'module.exports = 1;', 'lib/more.js': 'module.exports = 2;' });
    ref = { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length };
    fetched = 0;
  });
  afterEach(async () => {
    for (const packages of opened.splice(0)) await packages.close();
    await rm(root, { recursive: true, force: true });
  });

  async function runner(hosted: () => string[] = () => []): Promise<UnpackedPackages> {
    const fetch = () => {
      fetched += 1;
      return Promise.resolve(bytes);
    };
    const log = createLogger('test', 'silent');
    const packages = await UnpackedPackages.open(root, { fetch, hosted, log, keepUnusedMs: KEEP_UNUSED_MS });
    opened.push(packages);
    return packages;
  }

  test('are fetched once for all who ask, and by nobody again', async () => {
    const one = await runner(() => [ref.digest]);
    const [first, second] = await Promise.all([one.folderOf(ref), one.folderOf(ref)]);
    expect(second).toEqual(first);
    expect(first.entry).toBe('index.js');
    expect(await readFile(join(first.folder, 'lib/more.js'), 'utf8')).toBe('module.exports = 2;');
    const other = await runner(() => [ref.digest]);
    expect(await other.folderOf(ref)).toEqual(first);
    expect(fetched).toBe(1);
  });

  test('cannot be written to', async () => {
    const { folder } = await (await runner()).folderOf(ref);
    expect((await stat(join(folder, 'index.js'))).mode & 0o222).toBe(0);
  });

  test.each([
    ['a changed file', (folder: string) => overwrite(join(folder, 'index.js'), 'evil()')],
    ['a file more', (folder: string) => writeFile(join(folder, 'index.mjs'), 'evil()')],
    ['a file less', (folder: string) => rm(join(folder, 'lib/more.js'))],
    ['no list of its files', (folder: string) => rm(`${folder}.sums`)],
    ['half a list of its files', (folder: string) => writeFile(`${folder}.sums`, '{"index.js":')],
  ])('with %s are fetched again by the next runner', async (_what, change) => {
    const { folder } = await (await runner(() => [ref.digest])).folderOf(ref);
    await change(folder);
    const found = await (await runner(() => [ref.digest])).folderOf(ref);
    expect(fetched).toBe(2);
    expect(found.entry).toBe('index.js');
    expect((await readdir(found.folder)).sort()).toEqual(['index.js', 'lib']);
    expect(await readFile(join(found.folder, 'index.js'), 'utf8')).toBe('module.exports = 1;');
    expect(await readFile(join(found.folder, 'lib/more.js'), 'utf8')).toBe('module.exports = 2;');
  });

  test('stay while any runner hosts a plugin of theirs, and go when none does', async () => {
    let hosted = [ref.digest];
    const one = await runner(() => hosted);
    const other = await runner();
    const { folder } = await one.folderOf(ref);
    for (const until = Date.now() + 3 * KEEP_UNUSED_MS; Date.now() < until;) await other.sweep();
    expect(existsSync(folder)).toBe(true);
    hosted = [];
    await eventually(() => expect(existsSync(folder)).toBe(false));
    expect(existsSync(`${folder}.sums`)).toBe(false);
    expect((await one.folderOf(ref)).folder).toBe(folder);
    expect(fetched).toBe(2);
  });

  test('of a runner that was killed go after a while, with what it had half unpacked', async () => {
    const { folder } = await (await runner()).folderOf(ref);
    await writeFile(join(root, 'in-use', '1-killed.json'), JSON.stringify([ref.digest]));
    await mkdir(join(root, 'half.part', 'lib'), { recursive: true });
    await eventually(async () => expect(await readdir(root)).toEqual(['in-use']));
    expect(existsSync(folder)).toBe(false);
  });

  test('of another digest than was asked for are refused, and leave nothing', async () => {
    const packages = await runner();
    const wanted = { ...ref, digest: `sha256:${'0'.repeat(64)}` };
    await expect(packages.folderOf(wanted)).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
    expect(await readdir(root)).toEqual(['in-use']);
  });
});

async function overwrite(file: string, text: string): Promise<void> {
  await chmod(file, 0o644);
  await writeFile(file, text);
}
