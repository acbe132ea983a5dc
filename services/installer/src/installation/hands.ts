import type { Installation, LifecycleHook, PackageRef, RegistryEntry } from '@verifywise/contracts';
import type { PluginManifest } from '@verifywise/plugin-types';
import type { ConfigRecord, InstalledRecord } from './installed-plugin.ts';
import type { ChosenSource } from './progress.ts';

/** What the stories need of the world; each is one room of this service. */

export interface Installations {
  find(tenant: string, pluginId: string): Promise<InstalledRecord | null>;
  list(tenant: string): Promise<InstalledRecord[]>;
  findConfig(tenant: string, pluginId: string): Promise<ConfigRecord | null>;
}

export interface StoredPackage extends PackageRef {
  manifest: PluginManifest;
  warnings: string[];
  /** Whether there is anything in it to load; null when it was stored before anybody asked. */
  hasCode: boolean | null;
  /** `sha256:<hex>` of the archive it was made from. */
  sourceChecksum: string;
  /** Of one that was brought here just now. */
  took?: IntakeTimes;
}

/** Milliseconds that each part of bringing a package here has taken. */
export interface IntakeTimes {
  /** Nothing, when it did not come from a registry. */
  downloadMs?: number;
  /** Read, inflated, validated, translated, and written anew. */
  checkMs: number;
  storeMs: number;
}

/** A package as it came from outside, on disk. */
export interface ReceivedArchive {
  readonly size: number;
  /** `sha256:<hex>` */
  readonly checksum: string;
  read(at: number, length: number): Promise<Buffer>;
  /** Fills a buffer from there on, and gives the part of it that was filled. */
  readInto(buffer: Buffer, at: number): Promise<Buffer>;
  /** The bytes from there to there, piece by piece. */
  pieces(from?: number, to?: number, pieceBytes?: number): AsyncGenerator<Buffer, void, undefined>;
}

export interface Packages {
  find(digest: string): Promise<StoredPackage | null>;
  /** What ships with the platform: the newest version of each plugin. */
  builtins(): Promise<StoredPackage[]>;
}

export interface PackageIntake {
  /** Downloads, verifies, checks, normalises and stores; the same archive is fetched once. */
  fetch(
    wanted: { pluginId: string } & Extract<ChosenSource, { kind: 'registry' }>,
    signal: AbortSignal,
  ): Promise<StoredPackage>;
}

export interface PluginRegistry {
  /** The newest version when none is named; null when unknown. */
  find(tenant: string, id: string, version?: string): Promise<RegistryEntry | null>;
  /** Newest first; none when unknown. */
  versions(tenant: string, id: string): Promise<RegistryEntry[]>;
}

export interface HookCall {
  stepId: string;
  operationId: string;
  installation: Installation;
  hook: LifecycleHook;
  options: { reason?: 'install' | 'update'; fromVersion?: string; deleteData?: boolean };
  limitMs: number;
}

/** The runner that owns the tenant's partition. */
export interface PluginRunner {
  /** Resolves once the hook has run; HOOK_FAILED or what the runner says, HOOK_TIMED_OUT when no outcome arrives. */
  runHook(call: HookCall, signal: AbortSignal): Promise<void>;
  /** `queued` when no runner answered in time: the work waits for one and is done before anything that follows. */
  deleteData(tenant: string, about: DataRemoval, signal: AbortSignal): Promise<'done' | 'queued'>;
  forget(tenant: string, pluginId: string, generation: number, signal: AbortSignal): Promise<void>;
}

export interface DataRemoval {
  stepId: string;
  operationId: string;
  pluginId: string;
}
