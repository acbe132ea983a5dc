import { checkCompatibility, compareVersions, type InstalledPlugin } from '@verifywise/contracts';
import { versionOf } from './catalogue.ts';
import type { ListedPlugin } from './registry.ts';

/** What a tenant sees at a plugin of the marketplace. */
export interface InstalledFlags {
  installed: boolean;
  installedVersion: string | null;
  enabled: boolean;
  hasUpdate: boolean;
}

/** What a tenant has, by plugin id. */
export type InstalledById = ReadonlyMap<string, InstalledPlugin>;

const notThere = new Set<InstalledPlugin['state']>(['registered', 'installing', 'uninstalled']);

export function installedById(plugins: readonly InstalledPlugin[]): InstalledById {
  return new Map(plugins.filter(({ state }) => !notThere.has(state)).map((plugin) => [plugin.pluginId, plugin]));
}

/** An update is a newer version that runs on this host. */
export function flagsOf(plugin: ListedPlugin, installed: InstalledById, hostVersion: string): InstalledFlags {
  const own = installed.get(plugin.id);
  if (own === undefined) return { installed: false, installedVersion: null, enabled: false, hasUpdate: false };
  const newest = versionOf(plugin);
  const hasUpdate =
    newest !== undefined &&
    compareVersions(newest.version, own.version) > 0 &&
    checkCompatibility(hostVersion, newest.compatibility).compatible;
  return { installed: true, installedVersion: own.version, enabled: own.enabled, hasUpdate };
}
