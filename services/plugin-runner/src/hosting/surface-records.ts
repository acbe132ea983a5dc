import type { Surface } from '@verifywise/contracts';
import type { Logger } from '@verifywise/service-kit';
import type { HostedPlugin } from './hosted-plugin.ts';
import type { HostedPluginParts } from './hosted-plugin-parts.ts';

/** What any runner last stored of an enabled plugin. */
export interface KnownSurface {
  tenant: string;
  pluginId: string;
  version: string;
  surface: Surface;
  /** When the tenant enabled it, in seconds by the database's clock. */
  since: number;
  /** Whether its isolate was stopped because it had nothing to do. */
  asleep: boolean;
}

export interface SurfaceRecords {
  /** Answers since when the plugin is enabled; undefined when a newer generation is stored. */
  save(known: Omit<KnownSurface, 'since'>, generation: number): Promise<number | undefined>;
  sleeps(tenant: string, pluginId: string, asleep: boolean): Promise<void>;
  remove(tenant: string, pluginId: string): Promise<void>;
}

/** Keeps the surfaces of running plugins where every runner can read them, one write after the other per plugin. */
export function keepSurfaces(
  records: SurfaceRecords,
  facts: { surfaceChanged(plugin: HostedPlugin): void },
  log: Logger,
  /** What of it may be shown; what else the plugin offers stays as it is. */
  checkedUi: (plugin: HostedPlugin, surface: Surface) => Surface,
): Pick<HostedPluginParts, 'surfaceChanged' | 'surfaceGone' | 'fellAsleep' | 'woke'> {
  const writes = new WeakMap<HostedPlugin, Promise<void>>();
  const inOrder = (plugin: HostedPlugin, write: () => Promise<void>): void => {
    const before = writes.get(plugin) ?? Promise.resolve();
    const after = before.then(write).catch((error: unknown) => {
      log.warn({ err: error, tenant: plugin.tenant, pluginId: plugin.pluginId }, 'The surface could not be stored');
    });
    writes.set(plugin, after);
  };
  return {
    surfaceChanged: (plugin, offered) => {
      const { tenant, pluginId, installation } = plugin;
      const surface = checkedUi(plugin, offered);
      const known = { tenant, pluginId, version: installation.version, surface, asleep: false };
      inOrder(plugin, async () => {
        plugin.enabledSince = (await records.save(known, installation.generation)) ?? plugin.enabledSince;
        facts.surfaceChanged(plugin);
      });
    },
    surfaceGone: (plugin) =>
      inOrder(plugin, async () => {
        await records.remove(plugin.tenant, plugin.pluginId);
        facts.surfaceChanged(plugin);
      }),
    fellAsleep: (plugin) => inOrder(plugin, () => records.sleeps(plugin.tenant, plugin.pluginId, true)),
    woke: (plugin) => inOrder(plugin, () => records.sleeps(plugin.tenant, plugin.pluginId, false)),
  };
}
