import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import type { PackageRef } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import type { Logger } from '@verifywise/service-kit';
import { Open } from 'unzipper';
import type { PackageFolders } from '../hosting/package-folders.ts';
import type { FileSums } from './file-sums.ts';
import { hashOf, holdsExactly, sumsOf } from './file-sums.ts';
import { PackageUses } from './package-uses.ts';

/** First found is loaded (contract §1); TypeScript was transpiled when the package was taken in. */
const ENTRIES = ['index.js', 'index.mjs', 'index.cjs'];
const LOOK_EVERY_MS = 60_000;
/** A plugin that was just disabled or moved is often back soon; and no unpacking takes this long. */
const KEEP_UNUSED_MS = 10 * LOOK_EVERY_MS;

/** Fetches a stored package by its digest. */
export type FetchPackage = (ref: PackageRef) => Promise<Buffer>;

interface Parts {
  fetch: FetchPackage;
  /** Digests of everything that this runner hosts now. */
  hosted: () => Iterable<string>;
  log: Logger;
  keepUnusedMs?: number;
}

/** Packages unpacked in a folder that all runners of this machine share; those that nobody uses any more are removed. */
export class UnpackedPackages implements PackageFolders {
  readonly #root: string;
  readonly #uses: PackageUses;
  readonly #parts: Parts;
  readonly #keepUnusedMs: number;
  /** Found here by this process, and checked. */
  readonly #checked = new Set<string>();
  readonly #making = new Map<string, Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  private constructor(root: string, uses: PackageUses, parts: Parts, keepUnusedMs: number) {
    this.#root = root;
    this.#uses = uses;
    this.#parts = parts;
    this.#keepUnusedMs = keepUnusedMs;
    this.#timer = setInterval(() => void this.#look(), Math.min(LOOK_EVERY_MS, keepUnusedMs / 4)).unref();
  }

  static async open(root: string, parts: Parts): Promise<UnpackedPackages> {
    await mkdir(root, { recursive: true, mode: 0o700 });
    // Node's permission model compares real paths.
    const real = await realpath(root);
    const keepUnusedMs = parts.keepUnusedMs ?? KEEP_UNUSED_MS;
    return new UnpackedPackages(real, await PackageUses.open(join(real, 'in-use'), keepUnusedMs), parts, keepUnusedMs);
  }

  async folderOf(ref: PackageRef): Promise<{ folder: string; entry: string | null }> {
    const folder = join(this.#root, nameOf(ref.digest));
    if (!this.#checked.has(ref.digest) || !existsSync(folder)) {
      const making =
        this.#making.get(folder) ?? this.#makeReady(ref, folder).finally(() => this.#making.delete(folder));
      this.#making.set(folder, making);
      await making;
      this.#checked.add(ref.digest);
    }
    return { folder, entry: ENTRIES.find((name) => existsSync(join(folder, name))) ?? null };
  }

  /** Removes what no runner uses, and what an unpacking that was killed has left. */
  async sweep(): Promise<void> {
    await this.#uses.say(this.#parts.hosted());
    const used = new Set([...(await this.#uses.all())].map(nameOf));
    for (const name of await readdir(this.#root)) {
      if (name === 'in-use' || used.has(name.replace(/\.sums$/, ''))) continue;
      const path = join(this.#root, name);
      const age = await stat(path).then(
        ({ ctimeMs }) => Date.now() - ctimeMs,
        () => 0,
      );
      if (age < this.#keepUnusedMs) continue;
      if (name.endsWith('.part')) await rm(path, { recursive: true, force: true });
      else await this.#removeUnused(path, name.replace(/\.sums$/, ''));
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
    await rename(path, away);
    const stillUnused = ![...(await this.#uses.all())].map(nameOf).includes(name);
    if (stillUnused || existsSync(path)) await rm(away, { recursive: true, force: true });
    else await rename(away, path);
  }

  async #makeReady(ref: PackageRef, folder: string): Promise<void> {
    // Said before it is looked for, so that nobody removes it in between.
    await this.#uses.say([ref.digest]);
    if (existsSync(folder)) {
      if (await holdsExactly(folder, await knownSums(folder))) return;
      this.#parts.log.warn({ digest: ref.digest }, 'The unpacked files of a package were changed; fetching it again');
      await rename(folder, join(this.#root, `${randomUUID()}.part`));
    }
    await this.#unpack(ref, folder);
  }

  async #unpack(ref: PackageRef, folder: string): Promise<void> {
    const bytes = await this.#parts.fetch(ref);
    const digest = `sha256:${hashOf(bytes)}`;
    if (digest !== ref.digest) {
      throw new PlatformError('CHECKSUM_MISMATCH', `The package store answered ${digest} when asked for ${ref.digest}`);
    }
    // Renamed into place when complete, so that a killed runner leaves no half package behind.
    const half = join(this.#root, `${randomUUID()}.part`);
    try {
      await unpackInto(half, bytes, ref.digest);
      await writeFile(`${half}.sums.part`, JSON.stringify(await sumsOf(half)));
      await rename(`${half}.sums.part`, sumsFileOf(folder));
      // Another runner may have been as quick; its files are the same.
      await rename(half, folder).catch((error: unknown) => {
        if (!existsSync(folder)) throw error;
      });
    } finally {
      await rm(half, { recursive: true, force: true });
    }
  }
}

async function unpackInto(folder: string, bytes: Buffer, digest: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const archive = await Open.buffer(bytes);
  for (const file of archive.files) {
    if (file.type === 'Directory') continue;
    const target = join(folder, file.path);
    const inside = relative(folder, target);
    if (inside.startsWith('..') || isAbsolute(inside)) {
      throw new PlatformError('ARCHIVE_UNSAFE_PATH', `The package ${digest} contains the path ${file.path}`);
    }
    await mkdir(dirname(target), { recursive: true });
    // Every tenant with this version reads the same files, so nobody writes to them.
    await writeFile(target, await file.buffer(), { mode: 0o444 });
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
