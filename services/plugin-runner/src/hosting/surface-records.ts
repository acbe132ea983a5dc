import type { Surface } from '@verifywise/contracts';
import type { Logger } from '@verifywise/service-kit';
import type { HostedPlugin } from './hosted-plugin.ts';
import type { HostedPluginParts } from './hosted-plugin-parts.ts';

export interface SurfaceRecords {
  save(
    stored: { tenant: string; pluginId: string; version: string; surface: Surface },
    generation: number,
  ): Promise<void>;
  remove(tenant: string, pluginId: string): Promise<void>;
}

/** Keeps the surfaces of running plugins where every runner can read them, one write after the other per plugin. */
export function keepSurfaces(
  records: SurfaceRecords,
  facts: { surfaceChanged(plugin: HostedPlugin): void },
  log: Logger,
): Pick<HostedPluginParts, 'surfaceChanged' | 'surfaceGone'> {
  const writes = new WeakMap<HostedPlugin, Promise<void>>();
  const inOrder = (plugin: HostedPlugin, write: () => Promise<void>): void => {
    const before = writes.get(plugin) ?? Promise.resolve();
    const after = before
      .then(write)
      .then(() => facts.surfaceChanged(plugin))
      .catch((error: unknown) => {
        log.warn({ err: error, tenant: plugin.tenant, pluginId: plugin.pluginId }, 'The surface could not be stored');
      });
    writes.set(plugin, after);
  };
  return {
    surfaceChanged: (plugin, surface) => {
      const { tenant, pluginId, installation } = plugin;
      inOrder(plugin, () =>
        records.save({ tenant, pluginId, version: installation.version, surface }, installation.generation),
      );
    },
    surfaceGone: (plugin) => inOrder(plugin, () => records.remove(plugin.tenant, plugin.pluginId)),
  };
}
