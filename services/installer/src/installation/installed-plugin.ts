import type { Installation, PackageRef, PluginFailure, PluginState } from '@verifywise/contracts';
import type { Permission, PluginManifest } from '@verifywise/plugin-types';

/** Where a tenant got a plugin from. */
export type PluginSource = 'registry' | 'upload' | 'builtin';

/** What was running before the last update; one is kept (contract §4). */
export interface PreviousVersion {
  version: string;
  package: PackageRef;
  manifest: PluginManifest;
  granted: Permission[];
  source: PluginSource;
  registry: string | null;
  verified: boolean;
}

/** The last thing that went wrong, kept for the admin (S:14.4). */
export interface PluginError {
  code: string;
  message: string;
  stack?: string;
  /** The hook or handler that ran. */
  during?: string;
  version: string;
  at: string;
  suggestedFix?: string;
}

/** What an operation is about to make of the installation; hooks and the plugin's own config changes see this. */
export interface Target {
  version: string;
  package: PackageRef;
  manifest: PluginManifest;
  granted: Permission[];
  state: PluginState;
  desired: 'enabled' | 'disabled' | 'absent';
  generation: number;
  /** The generation the operation reserved, which later config changes may have raised. */
  since: number;
  /** Heard while the operation was under way: what was reached so far does not work. */
  failure?: PluginFailure;
}

/** One plugin of one tenant as the installer keeps it. */
export interface InstalledRecord extends Omit<Installation, 'config'> {
  source: PluginSource;
  registry: string | null;
  verified: boolean;
  previous: PreviousVersion | null;
  lastError: PluginError | null;
  target: Target | null;
  /** The generation the running code was enabled with: a failure of an older one is old news. */
  runningSince: number;
  installedAt: Date;
  updatedAt: Date;
}

/** The sealed config of one plugin of one tenant; it outlives an uninstallation that keeps data. */
export interface ConfigRecord {
  tenant: string;
  pluginId: string;
  values: Record<string, unknown>;
  secrets: Record<string, string>;
  /** Set while the plugin is uninstalled and its data is kept. */
  retainedSince: Date | null;
}

/** What a record keeps of its version when another one takes its place: everything that a rollback brings back. */
export function previousOf(record: InstalledRecord): PreviousVersion {
  const { version, package: bytes, manifest, granted, source, registry, verified } = record;
  return { version, package: bytes, manifest, granted, source, registry, verified };
}

/** The installation as runners must know it now. */
export function installationOf(record: InstalledRecord, config: ConfigRecord | null): Installation {
  return {
    tenant: record.tenant,
    pluginId: record.pluginId,
    version: record.version,
    package: record.package,
    manifest: record.manifest,
    granted: record.granted,
    config: { values: config?.values ?? {}, secrets: config?.secrets ?? {} },
    state: record.state,
    desired: record.desired,
    generation: record.generation,
  };
}

/** The installation as the operation under way wants it, or as it is when there is none. */
export function targetInstallationOf(record: InstalledRecord, config: ConfigRecord | null): Installation {
  const now = installationOf(record, config);
  if (record.target === null) return now;
  const { version, package: bytes, manifest, granted, state, desired, generation } = record.target;
  return { ...now, version, package: bytes, manifest, granted, state, desired, generation };
}
