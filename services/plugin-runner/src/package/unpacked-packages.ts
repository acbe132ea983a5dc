import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, isAbsolute } from 'node:path';
import type { PackageRef } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import { Open } from 'unzipper';
import type { PackageFolders } from '../hosting/package-folders.ts';

/** First found is loaded (contract §1); TypeScript was transpiled when the package was taken in. */
const ENTRIES = ['index.js', 'index.mjs', 'index.cjs'];

/** Fetches a stored package by its digest. */
export type FetchPackage = (ref: PackageRef) => Promise<Buffer>;

/** Keeps packages unpacked in a folder of this runner. */
export class UnpackedPackages implements PackageFolders {
  readonly #root: string;
  readonly #fetch: FetchPackage;
  readonly #unpacking = new Map<string, Promise<void>>();

  constructor(root: string, fetch: FetchPackage) {
    this.#root = root;
    this.#fetch = fetch;
  }

  async folderOf(ref: PackageRef): Promise<{ folder: string; entry: string | null }> {
    const folder = join(this.#root, ref.digest.replace(/^sha256:/, ''));
    if (!existsSync(folder)) {
      const unpacking = this.#unpacking.get(folder) ?? this.#unpack(ref, folder);
      this.#unpacking.set(folder, unpacking);
      await unpacking.finally(() => this.#unpacking.delete(folder));
    }
    return { folder, entry: ENTRIES.find((name) => existsSync(join(folder, name))) ?? null };
  }

  async #unpack(ref: PackageRef, folder: string): Promise<void> {
    const bytes = await this.#fetch(ref);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    if (digest !== ref.digest) {
      throw new PlatformError('CHECKSUM_MISMATCH', `The package store answered ${digest} when asked for ${ref.digest}`);
    }
    // Renamed into place when complete, so that a killed runner leaves no half package behind.
    const half = `${folder}.${randomUUID()}`;
    try {
      await mkdir(half, { recursive: true });
      const archive = await Open.buffer(bytes);
      for (const file of archive.files) {
        if (file.type === 'Directory') continue;
        const target = join(half, file.path);
        const inside = relative(half, target);
        if (inside.startsWith('..') || isAbsolute(inside)) {
          throw new PlatformError('ARCHIVE_UNSAFE_PATH', `The package ${ref.digest} contains the path ${file.path}`);
        }
        await mkdir(dirname(target), { recursive: true });
        await writeFile(target, await file.buffer());
      }
      await rename(half, folder).catch((error: unknown) => {
        if (!existsSync(folder)) throw error;
      });
    } finally {
      await rm(half, { recursive: true, force: true });
    }
  }
}
