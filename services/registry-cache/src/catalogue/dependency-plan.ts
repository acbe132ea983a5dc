import { checkCompatibility, compareVersions, satisfies } from '@verifywise/contracts';
import { versionOf, type Catalogue } from './catalogue.ts';
import type { InstalledById } from './installed-flags.ts';
import type { ListedPlugin, ListedVersion } from './registry.ts';

/** One step of what installing a plugin brings along, in the order of installation. */
export interface PlannedPlugin {
  id: string;
  /** The range that is asked for; `*` for the plugin itself. */
  range: string;
  version: string | null;
  action: 'install' | 'update' | 'none' | 'impossible';
  /** Why it is impossible. */
  reason?: string;
}

/** What would be installed with this plugin: those it needs first, the plugin itself last. */
export function dependencyPlan(
  catalogue: Catalogue,
  plugin: ListedPlugin,
  installed: InstalledById,
  hostVersion: string,
): PlannedPlugin[] {
  const plan = new Map<string, PlannedPlugin>();
  const underway = new Set<string>();

  const visit = (id: string, range: string): void => {
    if (plan.has(id) || underway.has(id)) return;
    underway.add(id);
    const own = installed.get(id);
    if (own !== undefined && satisfies(own.version, range)) {
      plan.set(id, { id, range, version: own.version, action: 'none' });
      return;
    }
    const listed = catalogue.find(id)?.plugin;
    const version = listed === undefined ? undefined : newestIn(listed, range, hostVersion);
    if (version === undefined) {
      const reason =
        listed === undefined ? 'No registry lists it' : `No version in ${range} runs on VerifyWise ${hostVersion}`;
      plan.set(id, { id, range, version: null, action: 'impossible', reason });
      return;
    }
    for (const [needed, wanted] of Object.entries(version.dependencies)) visit(needed, wanted);
    plan.set(id, { id, range, version: version.version, action: own === undefined ? 'install' : 'update' });
  };

  const shown = versionOf(plugin);
  visit(plugin.id, shown === undefined ? '*' : `=${shown.version}`);
  return [...plan.values()];
}

function newestIn({ versions }: ListedPlugin, range: string, hostVersion: string): ListedVersion | undefined {
  return versions
    .toSorted((a, b) => compareVersions(b.version, a.version))
    .find(
      ({ version, compatibility }) =>
        satisfies(version, range) && checkCompatibility(hostVersion, compatibility).compatible,
    );
}
