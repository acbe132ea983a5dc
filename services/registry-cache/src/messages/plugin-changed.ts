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

/** Every fact after which a tenant's flags in the marketplace may be others. */
const facts: Fact<unknown>[] = [
  PluginInstalled,
  PluginUpdated,
  PluginRolledBack,
  PluginUninstalled,
  PluginEnabled,
  PluginDisabled,
];

export function hearPluginChanged(installed: InstalledPlugins): FactHandler[] {
  return facts.map((fact) =>
    hearing(fact, (_payload, { tenant }) => {
      if (tenant !== null) installed.drop(tenant);
      return Promise.resolve();
    }),
  );
}
