import { needsInWords, satisfies, type DependencyNeed, type VersionWithNeeds } from '@verifywise/contracts';
import { DependentsConflictError } from './errors.ts';
import type { InstalledRecord } from './installed-plugin.ts';

/** Something a plugin needs that is not there as it is needed. */
export interface Requirement {
  id: string;
  range: string;
  problem: 'not installed' | 'wrong version' | 'not enabled';
  installed?: string;
}

export interface DependencyView {
  id: string;
  range: string;
  installedVersion: string | null;
  enabled: boolean;
  satisfied: boolean;
}

/** What of these dependencies is not installed in a version that fits (S:9.3). */
export function missingDependencies(needed: Record<string, string>, installed: InstalledRecord[]): Requirement[] {
  return Object.entries(needed).flatMap(([id, range]): Requirement[] => {
    const found = usable(installed, id);
    if (found === undefined) return [{ id, range, problem: 'not installed' }];
    if (!satisfies(found.version, range)) {
      return [{ id, range, problem: 'wrong version', installed: found.version }];
    }
    return [];
  });
}

/** As for installing, and everything must be enabled as well (contract §4). */
export function unreadyDependencies(needed: Record<string, string>, installed: InstalledRecord[]): Requirement[] {
  const missing = missingDependencies(needed, installed);
  const absent = new Set(missing.map(({ id }) => id));
  const disabled = Object.entries(needed).flatMap(([id, range]): Requirement[] => {
    const found = usable(installed, id);
    if (absent.has(id) || found === undefined || found.desired === 'enabled') return [];
    return [{ id, range, problem: 'not enabled', installed: found.version }];
  });
  return [...missing, ...disabled];
}

/**
 * Throws when a plugin that is installed needs this one in a range that `version` is not in, unless an admin forces it: then it answers
 * what was overridden.
 */
export function assertDependentsFit(
  pluginId: string,
  version: string,
  installed: InstalledRecord[],
  force: boolean | undefined,
): string | undefined {
  const needs = brokenNeeds(pluginId, version, installed);
  if (needs.length === 0) return undefined;
  if (force === true) return needsInWords(pluginId, needs);
  throw new DependentsConflictError(pluginId, version, needs);
}

/** Who could no longer use this plugin if it were this version. What is out of its range already is not made worse. */
export function brokenNeeds(pluginId: string, version: string, installed: InstalledRecord[]): DependencyNeed[] {
  const now = installed.find((record) => record.pluginId === pluginId)?.version;
  return installed.flatMap(({ pluginId: by, version: its, manifest }) => {
    const range = manifest.dependencies[pluginId];
    if (range === undefined || satisfies(version, range)) return [];
    return now !== undefined && !satisfies(now, range) ? [] : [{ by: `${by} ${its}`, range }];
  });
}

/** Enabled plugins that say they need this one; nothing keeps an admin from disabling it all the same. */
export function enabledNeeds(pluginId: string, installed: InstalledRecord[]): string[] {
  return installed.flatMap(({ pluginId: id, desired, manifest }) =>
    desired === 'enabled' && Object.hasOwn(manifest.dependencies, pluginId) ? [id] : [],
  );
}

/** Who needs this plugin, those first that nobody else needs: the order to uninstall them in. */
export function dependentsOf(pluginId: string, installed: InstalledRecord[]): string[] {
  const order: string[] = [];
  const seen = new Set([pluginId]);
  const visit = (id: string) => {
    for (const record of installed) {
      if (seen.has(record.pluginId) || !Object.hasOwn(record.manifest.dependencies, id)) continue;
      seen.add(record.pluginId);
      visit(record.pluginId);
      order.push(record.pluginId);
    }
  };
  visit(pluginId);
  return order;
}

export function dependencyViews(needed: Record<string, string>, installed: InstalledRecord[]): DependencyView[] {
  return Object.entries(needed).map(([id, range]) => {
    const found = usable(installed, id);
    return {
      id,
      range,
      installedVersion: found?.version ?? null,
      enabled: found?.desired === 'enabled',
      satisfied: found !== undefined && satisfies(found.version, range),
    };
  });
}

/** Those that count when something is said to be there. */
export function withNeeds(installed: InstalledRecord[]): VersionWithNeeds[] {
  return installed.flatMap(({ pluginId, version, state, manifest: { dependencies } }) =>
    state === 'installing' ? [] : [{ pluginId, version, dependencies }],
  );
}

/** A plugin that is still being installed may yet be undone. */
function usable(installed: InstalledRecord[], id: string): InstalledRecord | undefined {
  return installed.find(({ pluginId, state }) => pluginId === id && state !== 'installing');
}
