import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '@verifywise/contracts';
import type { PackageIntake, StoredPackage } from '../installation/hands.ts';
import type { Log } from '../log.ts';
import type { PackageStore } from '../store/package-store.ts';
import { download } from './download.ts';
import type { PackageLimits } from './package-limits.ts';
import { checksumOf, takeIn } from './take-in.ts';

export interface IntakeSettings {
  limits: PackageLimits;
  downloadDeadlineMs: number;
}

type Wanted = Parameters<PackageIntake['fetch']>[0];

/** Brings packages into the store: from a registry, from an upload, and those that ship with the platform. */
export class StoredIntake implements PackageIntake {
  readonly #packages: PackageStore;
  readonly #settings: IntakeSettings;
  /** A hundred tenants that install the same plugin at once wait for one download. */
  readonly #underWay = new Map<string, Promise<StoredPackage>>();

  constructor(packages: PackageStore, settings: IntakeSettings) {
    this.#packages = packages;
    this.#settings = settings;
  }

  async fetch(wanted: Wanted, signal: AbortSignal): Promise<StoredPackage> {
    const checksum = canonicalChecksum(wanted.checksum);
    const stored = (await this.#packages.findBySource(checksum)) ?? (await this.#fetchOnce(checksum, wanted, signal));
    const { id, version } = stored.manifest;
    if (id !== wanted.pluginId || version !== wanted.version) {
      throw new PlatformError(
        'MANIFEST_MISMATCH',
        `The package says it is ${id} ${version}, but the registry has it as ${wanted.pluginId} ${wanted.version}`,
      );
    }
    return stored;
  }

  /** Stores what an admin has uploaded; a checksum that was sent must be right. */
  async upload(archive: Buffer, checksum: string | undefined): Promise<StoredPackage> {
    if (checksum !== undefined) assertChecksum(archive, canonicalChecksum(checksum));
    return await this.#packages.save({ ...(await takeIn(archive, this.#settings.limits)), builtin: false });
  }

  /** Takes in every zip of a folder as what ships with the platform. One that is bad does not keep the others out. */
  async takeInBuiltins(folder: string, log: Log): Promise<void> {
    const digests: string[] = [];
    for (const name of (await readdir(folder)).filter((file) => file.endsWith('.zip')).sort()) {
      try {
        const archive = await readFile(join(folder, name));
        const stored = await this.#packages.save({ ...(await takeIn(archive, this.#settings.limits)), builtin: true });
        digests.push(stored.digest);
        const { id, version } = stored.manifest;
        log.info({ pluginId: id, version, digest: stored.digest }, 'A built-in plugin is registered');
      } catch (error) {
        log.error({ file: name, err: error }, 'A built-in package cannot be taken in');
      }
    }
    await this.#packages.setBuiltins(digests);
  }

  #fetchOnce(checksum: string, wanted: Wanted, signal: AbortSignal): Promise<StoredPackage> {
    const key = `${checksum} ${wanted.downloadUrl}`;
    const running = this.#underWay.get(key);
    if (running !== undefined) return running;
    const started = this.#download(checksum, wanted, signal).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, started);
    return started;
  }

  async #download(checksum: string, wanted: Wanted, signal: AbortSignal): Promise<StoredPackage> {
    const { limits, downloadDeadlineMs } = this.#settings;
    const { downloadUrl: url, local, allowedHosts } = wanted;
    const bounds = { maxBytes: limits.downloadBytes, deadlineMs: downloadDeadlineMs };
    const archive = await download({ url, local, allowedHosts }, bounds, signal);
    assertChecksum(archive, checksum);
    return await this.#packages.save({ ...(await takeIn(archive, limits)), builtin: false });
  }
}

function assertChecksum(archive: Buffer, expected: string): void {
  const actual = checksumOf(archive);
  if (actual === expected) return;
  throw new PlatformError('CHECKSUM_MISMATCH', `The package has checksum ${actual}, but ${expected} was promised`, {
    details: { expected, actual },
  });
}

/** `sha256:` and lower case, however it was written. */
function canonicalChecksum(checksum: string): string {
  return `sha256:${checksum.replace(/^sha256:/i, '').toLowerCase()}`;
}
