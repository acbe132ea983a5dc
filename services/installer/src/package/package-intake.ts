import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError, type RegistryToken } from '@verifywise/contracts';
import type { IntakeTimes, PackageIntake, ReceivedArchive, StoredPackage } from '../installation/hands.ts';
import type { Log } from '../log.ts';
import type { DownloadLeases } from '../store/download-leases.ts';
import type { PackageStore } from '../store/package-store.ts';
import { download } from './download.ts';
import { fetchedOnce } from './fetched-once.ts';
import type { PackageLimits } from './package-limits.ts';
import { withScratchFile, type ScratchFile } from './scratch-file.ts';
import { SharedWork } from './shared-work.ts';
import { takeIn } from './take-in.ts';
import { Turns } from './turns.ts';

export interface IntakeSettings {
  limits: PackageLimits;
  downloadDeadlineMs: number;
  /** Where archives lie while they are looked at. */
  scratchFolder: string;
}

/** The token of a registry; null when it has none. */
export type FindToken = (registry: string) => Promise<RegistryToken | null>;

interface Needs {
  packages: PackageStore;
  leases: DownloadLeases;
  findToken: FindToken;
  settings: IntakeSettings;
}

type Wanted = Parameters<PackageIntake['fetch']>[0];

/** Each needs some memory and a core, however many plugins are installed at once. */
const AT_ONCE = 4;

/** Brings packages into the store: from a registry, from an upload, and those that ship with the platform. */
export class StoredIntake implements PackageIntake {
  readonly #packages: PackageStore;
  readonly #leases: DownloadLeases;
  readonly #findToken: FindToken;
  readonly #settings: IntakeSettings;
  /** A hundred tenants that install the same plugin at once wait for one download, here and at all other installers. */
  readonly #downloads = new SharedWork<StoredPackage>();
  readonly #turns = new Turns(AT_ONCE);

  constructor({ packages, leases, findToken, settings }: Needs) {
    this.#packages = packages;
    this.#leases = leases;
    this.#findToken = findToken;
    this.#settings = settings;
  }

  async fetch(wanted: Wanted, signal: AbortSignal): Promise<StoredPackage> {
    const checksum = canonicalChecksum(wanted.checksum);
    const key = `${checksum} ${wanted.downloadUrl}`;
    const stored = await this.#downloads.join(key, signal, (shared) => this.#bring(key, checksum, wanted, shared));
    const { id, version } = stored.manifest;
    if (id !== wanted.pluginId || version !== wanted.version) {
      throw new PlatformError(
        'MANIFEST_MISMATCH',
        `The package says it is ${id} ${version}, but the registry has it as ${wanted.pluginId} ${wanted.version}`,
      );
    }
    return stored;
  }

  /** A file for something that comes from outside; it is gone when the work with it ends. */
  receive<T>(work: (into: ScratchFile) => Promise<T>): Promise<T> {
    return withScratchFile(this.#settings.scratchFolder, work);
  }

  /** Stores what an admin has uploaded; a checksum that was sent must be right. */
  async upload(archive: ReceivedArchive, checksum: string | undefined): Promise<StoredPackage> {
    if (checksum !== undefined) assertChecksum(archive, canonicalChecksum(checksum));
    return await this.#turns.take(() => this.#takeIn(archive, false));
  }

  /** Takes in every zip of a folder as what ships with the platform. One that is bad does not keep the others out. */
  async takeInBuiltins(folder: string, log: Log): Promise<void> {
    const digests: string[] = [];
    for (const name of (await readdir(folder)).filter((file) => file.endsWith('.zip')).sort()) {
      try {
        const stored = await this.receive(async (archive) => {
          for await (const piece of createReadStream(join(folder, name))) await archive.append(piece as Buffer);
          return this.#takeIn(archive, true);
        });
        digests.push(stored.digest);
        const { id, version } = stored.manifest;
        log.info({ pluginId: id, version, digest: stored.digest }, 'A built-in plugin is registered');
      } catch (error) {
        log.error({ file: name, err: error }, 'A built-in package cannot be taken in');
      }
    }
    await this.#packages.setBuiltins(digests);
  }

  #bring(key: string, checksum: string, wanted: Wanted, signal: AbortSignal): Promise<StoredPackage> {
    return fetchedOnce(
      { leases: this.#leases, turns: this.#turns },
      {
        // A URL may have two thousand characters, and an index knows only short ones.
        key: createHash('sha256').update(key).digest('hex'),
        find: () => this.#packages.findBySource(checksum),
        fetch: () => this.receive((archive) => this.#download(checksum, wanted, archive, signal)),
      },
      signal,
    );
  }

  async #download(
    checksum: string,
    { registry, needsToken, downloadUrl: url, local, allowedHosts }: Wanted,
    archive: ScratchFile,
    signal: AbortSignal,
  ): Promise<StoredPackage> {
    signal.throwIfAborted();
    const { limits, downloadDeadlineMs: deadlineMs } = this.#settings;
    const token = needsToken === true ? await this.#findToken(registry) : null;
    const begun = performance.now();
    await download(
      { url, local, allowedHosts, token },
      { maxBytes: limits.downloadBytes, deadlineMs },
      signal,
      archive,
    );
    const downloadMs = Math.round(performance.now() - begun);
    assertChecksum(archive, checksum);
    const { took, ...stored } = await this.#takeIn(archive, false);
    return { ...stored, took: { downloadMs, ...took } };
  }

  async #takeIn(archive: ReceivedArchive, builtin: boolean): Promise<StoredPackage & { took: IntakeTimes }> {
    return this.receive(async (made) => {
      const begun = performance.now();
      const { manifest, hasCode, warnings } = await takeIn(archive, made, this.#settings.limits);
      const checked = performance.now();
      const sourceChecksum = archive.checksum;
      const stored = await this.#packages.save({ bytes: made, manifest, hasCode, warnings, sourceChecksum, builtin });
      const storeMs = Math.round(performance.now() - checked);
      return { ...stored, took: { checkMs: Math.round(checked - begun), storeMs } };
    });
  }
}

function assertChecksum({ checksum: actual }: ReceivedArchive, expected: string): void {
  if (actual === expected) return;
  throw new PlatformError('CHECKSUM_MISMATCH', `The package has checksum ${actual}, but ${expected} was promised`, {
    details: { expected, actual },
  });
}

/** `sha256:` and lower case, however it was written. */
function canonicalChecksum(checksum: string): string {
  return `sha256:${checksum.replace(/^sha256:/i, '').toLowerCase()}`;
}
