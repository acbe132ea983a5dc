import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, renameSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, open, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { PackageRef } from '@verifywise/contracts';
import { createLogger } from '@verifywise/service-kit';
import { zipOf } from './fixtures/zip-of.ts';
import { KEEP_UNUSED_MS, UnpackedPackages } from './unpacked-packages.ts';

const run = promisify(execFile);

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
    jest.restoreAllMocks();
    await rm(root, { recursive: true, force: true });
  });

  /** From now on everything on the disk is older than what nobody uses may be, and what runners said there is believed no more. */
  function longAfter(): void {
    const now = Date.now() + KEEP_UNUSED_MS + 1_000;
    jest.spyOn(Date, 'now').mockImplementation(() => now);
  }

  /** The disk has a clock of its own; by ours, what runners say was said just now. */
  async function saidJustNow(): Promise<void> {
    const uses = join(root, 'in-use');
    for (const name of await readdir(uses)) await utimes(join(uses, name), Date.now() / 1_000, Date.now() / 1_000);
  }

  async function runner(hosted: () => string[] = () => []): Promise<UnpackedPackages> {
    const fetch = (_ref: PackageRef, file: string) => {
      fetched += 1;
      return writeFile(file, bytes);
    };
    const log = createLogger('test', 'silent');
    const packages = await UnpackedPackages.open(root, { fetch, hosted, log });
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
    longAfter();
    await one.sweep();
    await saidJustNow();
    await other.sweep();
    expect([existsSync(folder), existsSync(`${folder}.sums`)]).toEqual([true, true]);
    hosted = [];
    longAfter();
    await other.sweep();
    expect(await readdir(root)).toEqual(['in-use']);
    expect((await one.folderOf(ref)).folder).toBe(folder);
    expect(fetched).toBe(2);
  });

  test('that a runner uses stay, also when it was held up for so long that nobody believes it any more', async () => {
    const held = await runner(() => [ref.digest]);
    const { folder } = await held.folderOf(ref);
    longAfter();
    await held.sweep();
    expect(existsSync(folder)).toBe(true);
  });

  test('of a runner that was killed go after a while, with what it had half unpacked', async () => {
    const { folder } = await (await runner()).folderOf(ref);
    await writeFile(join(root, 'in-use', '1-killed.json'), JSON.stringify([ref.digest]));
    await mkdir(join(root, 'half.part', 'lib'), { recursive: true });
    await rm(folder, { recursive: true });
    longAfter();
    await (await runner()).sweep();
    expect(await readdir(root)).toEqual(['in-use']);
    expect(await readdir(join(root, 'in-use'))).toHaveLength(1);
  });

  test('that were unpacked long ago are said to be in use before they are handed out again', async () => {
    const packages = await runner();
    await packages.folderOf(ref);
    const uses = join(root, 'in-use');
    for (const name of await readdir(uses)) await rm(join(uses, name));
    longAfter();
    await packages.folderOf(ref);
    const said = await Promise.all((await readdir(uses)).map((name) => readFile(join(uses, name), 'utf8')));
    expect(said).toEqual([JSON.stringify([ref.digest])]);
  });

  test('that are taken away while they are made ready are made ready again', async () => {
    const packages = await runner();
    const folder = join(root, ref.digest.slice('sha256:'.length));
    let taken = 0;
    const take = () => {
      if (existsSync(folder)) renameSync(folder, join(root, `${(taken += 1)}.part`));
      if (taken < 2) setImmediate(take);
    };
    take();
    expect((await packages.folderOf(ref)).entry).toBe('index.js');
    expect([taken, fetched]).toEqual([2, 3]);
  });

  test('that are taken away while they are checked are made ready again', async () => {
    const { folder } = await (await runner()).folderOf(ref);
    const sums = await readFile(`${folder}.sums`);
    // Whoever reads the list waits in the middle of its check.
    await rm(`${folder}.sums`);
    await run('mkfifo', [`${folder}.sums`]);
    const found = (await runner()).folderOf(ref);
    const list = await open(`${folder}.sums`, 'w');
    await rm(folder, { recursive: true });
    await list.writeFile(sums);
    await list.close();
    expect((await found).entry).toBe('index.js');
    expect(fetched).toBe(2);
  });

  test('that somebody takes away again and again are not waited for without end', async () => {
    const packages = await runner();
    const folder = join(root, ref.digest.slice('sha256:'.length));
    let taken = 0;
    let over = false;
    const take = () => {
      if (existsSync(folder)) renameSync(folder, join(root, `${(taken += 1)}.part`));
      if (!over) setImmediate(take);
    };
    take();
    await expect(packages.folderOf(ref)).rejects.toThrow('ENOENT');
    over = true;
    expect(taken).toBeLessThan(10);
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
