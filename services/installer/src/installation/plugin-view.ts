import type { PluginState } from '@verifywise/contracts';
import type { Permission, PluginManifest } from '@verifywise/plugin-types';
import type { Installations, Packages, StoredPackage } from './hands.ts';
import type { InstalledRecord, PluginError, PluginSource } from './installed-plugin.ts';

/** A plugin as a tenant's admin sees it: installed, or shipped with the platform and not installed yet. */
export interface PluginView {
  id: string;
  name: string;
  description: string;
  version: string;
  type: PluginManifest['type'];
  author: PluginManifest['author'];
  tags: string[];
  state: PluginState;
  installed: boolean;
  enabled: boolean;
  source: PluginSource;
  /** The code that is here, or would be, ships with the platform. */
  builtin: boolean;
  /** From a registry the operator vouches for, or shipped with the platform (S:9.1). */
  verified: boolean;
  registry: string | null;
  /** `sha256:<hex>` of the package as it is stored. */
  digest: string;
  permissions: Permission[];
  granted: Permission[];
  dependencies: Record<string, string>;
  previousVersion: string | null;
  lastError: PluginError | null;
  generation: number;
  installedAt: string | null;
  updatedAt: string | null;
  manifest: PluginManifest;
}

export interface PluginStats {
  total: number;
  installed: number;
  enabled: number;
  disabled: number;
  error: number;
  registered: number;
  byType: Record<string, number>;
}

export interface ViewPlugins {
  list(tenant: string): Promise<PluginView[]>;
  find(tenant: string, pluginId: string): Promise<PluginView | null>;
  stats(tenant: string): Promise<PluginStats>;
}

export function createViewPlugins(needs: { installations: Installations; packages: Packages }): ViewPlugins {
  const list = async (tenant: string) => {
    const records = await needs.installations.list(tenant);
    const builtins = await needs.packages.builtins();
    const installed = records.map(installedView);
    const known = new Set(records.map(({ pluginId }) => pluginId));
    const registered = builtins.filter(({ manifest }) => !known.has(manifest.id)).map(registeredView);
    return [...installed, ...registered].sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
  };
  return {
    list,
    async find(tenant, pluginId) {
      return (await list(tenant)).find(({ id }) => id === pluginId) ?? null;
    },
    async stats(tenant) {
      return statsOf(await list(tenant));
    },
  };
}

function installedView(record: InstalledRecord): PluginView {
  const { manifest, version, state, source, verified, registry, granted, lastError, generation } = record;
  return {
    ...describe(manifest),
    version,
    state,
    installed: state !== 'installing',
    enabled: record.desired === 'enabled',
    source,
    builtin: source === 'builtin',
    verified,
    registry,
    digest: record.package.digest,
    granted,
    previousVersion: record.previous?.version ?? null,
    lastError,
    generation,
    installedAt: record.installedAt.toISOString(),
    updatedAt: record.updatedAt.toISOString(),
  };
}

function registeredView({ manifest, digest }: StoredPackage): PluginView {
  return {
    ...describe(manifest),
    version: manifest.version,
    state: 'registered',
    installed: false,
    enabled: false,
    source: 'builtin',
    builtin: true,
    verified: true,
    registry: null,
    digest,
    granted: [],
    previousVersion: null,
    lastError: null,
    generation: 0,
    installedAt: null,
    updatedAt: null,
  };
}

function describe(manifest: PluginManifest) {
  const { id, name, description, type, author, tags, permissions, dependencies } = manifest;
  return { id, name, description, type, author, tags, permissions, dependencies, manifest };
}

function statsOf(plugins: PluginView[]): PluginStats {
  const count = (fits: (plugin: PluginView) => boolean) => plugins.filter(fits).length;
  const byType: Record<string, number> = {};
  for (const { type } of plugins) byType[type] = (byType[type] ?? 0) + 1;
  return {
    total: plugins.length,
    installed: count(({ installed }) => installed),
    enabled: count(({ enabled }) => enabled),
    disabled: count(({ installed, enabled, state }) => installed && !enabled && state !== 'error'),
    error: count(({ state }) => state === 'error'),
    registered: count(({ state }) => state === 'registered'),
    byType,
  };
}
