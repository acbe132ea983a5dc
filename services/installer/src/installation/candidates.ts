import { compareVersions, type DependencyCandidate } from '@verifywise/contracts';
import type { Packages, PluginRegistry } from './hands.ts';

/** The versions of other plugins that a tenant could install: what registries list, and what ships with the platform. Newest first. */
export function candidatesFor(
  { registry, packages }: { registry: PluginRegistry; packages: Packages },
  tenant: string,
): (pluginId: string) => Promise<DependencyCandidate[]> {
  return async (pluginId) => {
    const shipped = (await packages.builtins()).flatMap(({ manifest }) => (manifest.id === pluginId ? [manifest] : []));
    const listed = await registry.versions(tenant, pluginId).catch((error: unknown) => {
      // What ships with the platform can be installed while the registries are away.
      if (shipped.length > 0) return [];
      throw error;
    });
    const all = new Map([...shipped, ...listed].map((candidate) => [candidate.version, candidate]));
    return [...all.values()].sort((a, b) => compareVersions(b.version, a.version));
  };
}
