import { dependencyViews, dependentsOf, type DependencyView } from './dependencies.ts';
import type { Installations } from './hands.ts';

export type ViewDependencies = (
  tenant: string,
  pluginId: string,
  needed: Record<string, string>,
) => Promise<{ dependencies: DependencyView[]; dependents: string[] }>;

export function createViewDependencies(installations: Installations): ViewDependencies {
  return async (tenant, pluginId, needed) => {
    const installed = await installations.list(tenant);
    return { dependencies: dependencyViews(needed, installed), dependents: dependentsOf(pluginId, installed) };
  };
}
