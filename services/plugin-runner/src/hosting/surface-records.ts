import type { Surface } from '@verifywise/contracts';
import type { Logger } from '@verifywise/service-kit';
import type { HostedPlugin } from './hosted-plugin.ts';
import type { HostedPluginParts } from './hosted-plugin-parts.ts';
import { SurfaceWrites } from './surface-writes.ts';

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
  /** Removes what was stored under this generation or before. */
  remove(tenant: string, pluginId: string, generation: number): Promise<void>;
}

/** Keeps the surfaces of running plugins where every runner can read them; what follows at once is kept as one. */
export function keepSurfaces(
  records: SurfaceRecords,
  facts: { surfaceChanged(plugin: HostedPlugin): void },
  log: Logger,
  /** What of it may be shown; what else the plugin offers stays as it is. */
  checkedUi: (plugin: HostedPlugin, surface: Surface) => Surface,
): Pick<HostedPluginParts, 'surfaceChanged' | 'surfaceGone' | 'fellAsleep' | 'woke'> {
  const writes = new WeakMap<HostedPlugin, SurfaceWrites>();
  const writesOf = (plugin: HostedPlugin): SurfaceWrites => {
    const known = writes.get(plugin);
    if (known) return known;
    const { tenant, pluginId } = plugin;
    const fresh = new SurfaceWrites((error) =>
      log.warn({ err: error, tenant, pluginId }, 'The surface could not be stored yet; trying again'),
    );
    writes.set(plugin, fresh);
    return fresh;
  };
  const sleeps = (plugin: HostedPlugin, asleep: boolean) =>
    writesOf(plugin).addSleep(async () => {
      if (plugin.gone === undefined) await records.sleeps(plugin.tenant, plugin.pluginId, asleep);
    });
  return {
    surfaceChanged: (plugin, offered) => {
      const { tenant, pluginId, installation } = plugin;
      const { version, generation } = installation;
      const known = { tenant, pluginId, version, surface: checkedUi(plugin, offered), asleep: false };
      writesOf(plugin).addSurface(async () => {
        // By now the next runner has said what it offers there.
        if (plugin.gone) return;
        plugin.offer.enabledSince = (await records.save(known, generation)) ?? plugin.offer.enabledSince;
        facts.surfaceChanged(plugin);
      });
    },
    surfaceGone: (plugin) => {
      const { tenant, pluginId, installation } = plugin;
      writesOf(plugin).addSurface(async () => {
        // The next runner finds it there still, and removes it itself.
        if (plugin.gone === 'moved') return;
        await records.remove(tenant, pluginId, installation.generation);
        facts.surfaceChanged(plugin);
      });
    },
    fellAsleep: (plugin) => sleeps(plugin, true),
    woke: (plugin) => sleeps(plugin, false),
  };
}
