import { randomUUID } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, readFile, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { PackageRef } from '@verifywise/contracts';
import { PlatformError, pluginEntries } from '@verifywise/contracts';
import type { Logger } from '@verifywise/service-kit';
import { Open } from 'unzipper';
import type { PackageFolders } from '../hosting/package-folders.ts';
import type { FileSums } from './file-sums.ts';
import { hashOfFile, holdsExactly, sumsOf } from './file-sums.ts';
import { PackageUses } from './package-uses.ts';

const LOOK_EVERY_MS = 60_000;
/** A plugin that was just disabled or moved is often back soon; and no unpacking takes this long. */
export const KEEP_UNUSED_MS = 10 * LOOK_EVERY_MS;
/** A package that is taken away so often while it is made ready is taken away by somebody who is no runner. */
const TRIES = 5;

/** Fetches a stored package by its digest, and writes it to a file; packages of many megabytes are never held in memory. */
export type FetchPackage = (ref: PackageRef, file: string) => Promise<void>;

interface Parts {
  fetch: FetchPackage;
  /** Digests of everything that this runner hosts now. */
  hosted: () => Iterable<string>;
  log: Logger;
}

/** Packages unpacked in a folder that all runners of this machine share; those that nobody uses any more are removed. */
export class UnpackedPackages implements PackageFolders {
  readonly #root: string;
  readonly #uses: PackageUses;
  readonly #parts: Parts;
  /** Found here by this process, and checked. */
  readonly #checked = new Set<string>();
  readonly #making = new Map<string, Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  private constructor(root: string, uses: PackageUses, parts: Parts) {
    this.#root = root;
    this.#uses = uses;
    this.#parts = parts;
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS).unref();
  }

  static async open(root: string, parts: Parts): Promise<UnpackedPackages> {
    await mkdir(root, { recursive: true, mode: 0o700 });
    // Node's permission model compares real paths.
    const real = await realpath(root);
    return new UnpackedPackages(real, await PackageUses.open(join(real, 'in-use'), KEEP_UNUSED_MS), parts);
  }

  async folderOf(ref: PackageRef): Promise<{ folder: string; entry: string | null }> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#found(ref);
      } catch (error) {
        // Another runner has taken it away, because it looked before this one said that it needs it.
        if (!isNotThere(error) || attempt === TRIES) throw error;
        this.#checked.delete(ref.digest);
      }
    }
  }

  /** Removes what no runner uses, and what an unpacking that was killed has left. */
  async sweep(): Promise<void> {
    await this.#uses.say(this.#parts.hosted());
    const used = new Set([...(await this.#uses.all())].map(nameOf));
    const names = new Set((await readdir(this.#root)).map((name) => name.replace(/\.sums$/, '')));
    for (const name of names) {
      if (name === 'in-use' || used.has(name)) continue;
      const path = join(this.#root, name);
      if ((await ageOf(path)) < KEEP_UNUSED_MS) continue;
      if (name.endsWith('.part')) await rm(path, { recursive: true, force: true });
      else await this.#removeUnused(path, name);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#uses.close();
  }

  async #look(): Promise<void> {
    try {
      await this.sweep();
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'Unused packages could not be removed; trying again');
    }
  }

  /** Out of the way first: a runner that has begun to use it meanwhile finds it whole, or not at all. */
  async #removeUnused(path: string, name: string): Promise<void> {
    const away = join(this.#root, `${randomUUID()}.part`);
    const awaySums = `${away}.sums.part`;
    await moveIfThere(path, away);
    await moveIfThere(sumsFileOf(path), awaySums);
    const used = [...(await this.#uses.all())].map(nameOf).includes(name);
    if (used && !existsSync(path)) {
      await moveIfThere(awaySums, sumsFileOf(path));
      await moveIfThere(away, path);
    }
    await rm(awaySums, { force: true });
    await rm(away, { recursive: true, force: true });
  }

  /** Throws ENOENT when another runner takes it away at this moment. */
  async #found(ref: PackageRef): Promise<{ folder: string; entry: string | null }> {
    const folder = join(this.#root, nameOf(ref.digest));
    // Said before it is looked for, so that nobody removes it from then on.
    await this.#uses.use(ref.digest);
    if (!this.#checked.has(ref.digest) || !existsSync(folder)) {
      const making =
        this.#making.get(folder) ?? this.#makeReady(ref, folder).finally(() => this.#making.delete(folder));
      this.#making.set(folder, making);
      await making;
      this.#checked.add(ref.digest);
    }
    const names = await readdir(folder);
    return { folder, entry: pluginEntries.find((name) => names.includes(name)) ?? null };
  }

  async #makeReady(ref: PackageRef, folder: string): Promise<void> {
    if (existsSync(folder)) {
      if (await holdsExactly(folder, await knownSums(folder))) return;
      this.#parts.log.warn({ digest: ref.digest }, 'The unpacked files of a package were changed; fetching it again');
      await rename(folder, join(this.#root, `${randomUUID()}.part`));
    }
    await this.#unpack(ref, folder);
  }

  async #unpack(ref: PackageRef, folder: string): Promise<void> {
    // Renamed into place when complete, so that a killed runner leaves no half package behind.
    const half = join(this.#root, `${randomUUID()}.part`);
    const archive = `${half}.zip.part`;
    const sums = `${half}.sums.part`;
    try {
      await this.#parts.fetch(ref, archive);
      const digest = `sha256:${await hashOfFile(archive)}`;
      if (digest !== ref.digest) {
        throw new PlatformError(
          'CHECKSUM_MISMATCH',
          `The package store answered ${digest} when asked for ${ref.digest}`,
        );
      }
      await unpackInto(half, archive, ref.digest);
      await writeFile(sums, JSON.stringify(await sumsOf(half)));
      await rename(sums, sumsFileOf(folder));
      // Another runner may have been as quick; its files are the same.
      await rename(half, folder).catch((error: unknown) => {
        if (!existsSync(folder)) throw error;
      });
    } finally {
      for (const left of [archive, sums, half]) await rm(left, { recursive: true, force: true });
    }
  }
}

/** For how long it is as it is; what is not there is as new as can be. */
async function ageOf(path: string): Promise<number> {
  for (const candidate of [path, sumsFileOf(path)]) {
    try {
      return Date.now() - (await stat(candidate)).ctimeMs;
    } catch (error) {
      if (!isNotThere(error)) throw error;
    }
  }
  return 0;
}

/** Another runner may be at the same, and as quick: what it has moved is gone from here, or there already. */
async function moveIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isNotThere(error) && !existsSync(to)) throw error;
  }
}

function isNotThere(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

async function unpackInto(folder: string, archive: string, digest: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { files } = await Open.file(archive);
  for (const file of files) {
    if (file.type === 'Directory') continue;
    const target = join(folder, file.path);
    const inside = relative(folder, target);
    if (inside.startsWith('..') || isAbsolute(inside)) {
      throw new PlatformError('ARCHIVE_PATH_PARENT', `The package ${digest} contains the path ${file.path}`);
    }
    await mkdir(dirname(target), { recursive: true });
    // Every tenant with this version reads the same files, so nobody writes to them.
    await pipeline(file.stream(), createWriteStream(target, { mode: 0o444, flags: 'wx' }));
  }
}

async function knownSums(folder: string): Promise<FileSums | null> {
  try {
    return JSON.parse(await readFile(sumsFileOf(folder), 'utf8')) as FileSums;
  } catch {
    // Without them, or with half of them, nobody knows what the files should be.
    return null;
  }
}

function sumsFileOf(folder: string): string {
  return `${folder}.sums`;
}

function nameOf(digest: string): string {
  return digest.replace(/^sha256:/, '');
}
