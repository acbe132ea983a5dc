import type { Broker } from '@verifywise/broker';
import { ListInstalledPlugins } from '@verifywise/contracts';
import { installedById, type InstalledById } from '../catalogue/installed-flags.ts';

/** What a tenant has installed, as the installer says. */
export interface InstalledPlugins {
  of(tenant: string): Promise<InstalledById>;
  /** Something has changed for this tenant. */
  drop(tenant: string): void;
}

/** A change on any replica is seen within this time, also when the fact about it is late. */
const KNOWN_FOR_MS = 800;
/** Who browses should not wait for an installer that hangs. */
const DEADLINE_MS = 3_000;
const MOST_TENANTS = 5_000;

/** Asks the installer, at most about once a second for each tenant. */
export function installedPlugins(broker: Pick<Broker, 'ask'>): InstalledPlugins {
  const known = new Map<string, { at: number; plugins: Promise<InstalledById> }>();
  return {
    of(tenant) {
      const kept = known.get(tenant);
      if (kept !== undefined && performance.now() - kept.at < KNOWN_FOR_MS) return kept.plugins;
      if (known.size >= MOST_TENANTS) known.clear();
      const plugins = broker
        .ask(ListInstalledPlugins, { tenant, payload: {} }, { deadlineMs: DEADLINE_MS })
        .then(installedById);
      const asked = { at: performance.now(), plugins };
      known.set(tenant, asked);
      plugins.catch(() => {
        if (known.get(tenant) === asked) known.delete(tenant);
      });
      return plugins;
    },
    drop(tenant) {
      known.delete(tenant);
    },
  };
}
