import { hearing, type FactHandler } from '@verifywise/broker';
import {
  PluginDisabled,
  PluginEnabled,
  PluginInstalled,
  PluginRolledBack,
  PluginUninstalled,
  PluginUpdated,
  type Fact,
} from '@verifywise/contracts';
import type { InstalledPlugins } from '../installed/installed-plugins.ts';
import type { AnnounceUpdates } from '../updates/announce-updates.ts';

/** Every fact after which a tenant's flags in the marketplace may be others. */
const facts: Fact<unknown>[] = [
  PluginInstalled,
  PluginUpdated,
  PluginRolledBack,
  PluginUninstalled,
  PluginEnabled,
  PluginDisabled,
];

/** Flags are asked for again at once, on the replica that hears it; the others ask within a second. */
export function hearPluginChanged(
  installed: Pick<InstalledPlugins, 'changed'>,
  updates: Pick<AnnounceUpdates, 'lookAt'>,
): FactHandler[] {
  return facts.map((fact) =>
    hearing(fact, async (_payload, { tenant }) => {
      if (tenant === null) return;
      installed.changed(tenant);
      await updates.lookAt(tenant);
    }),
  );
}
