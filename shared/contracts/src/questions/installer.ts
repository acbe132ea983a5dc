import type { Installation, PluginState } from '../installation.ts';
import { question } from '../messages.ts';

/** Asked by runners that reconcile: every installation of these partitions' tenants, page by page. */
export const ListInstallations = question<
  { partitions: number[]; after?: InstallationCursor; limit: number },
  { installations: Installation[]; next?: InstallationCursor }
>('installer', 'list-installations');

export interface InstallationCursor {
  tenant: string;
  pluginId: string;
}

/** One line of a tenant's installed plugins, for the marketplace's flags and `isPluginEnabled`. */
export interface InstalledPlugin {
  pluginId: string;
  version: string;
  state: PluginState;
  enabled: boolean;
  generation: number;
}
/** What a tenant has installed. The revision is another one as soon as anything of it is, and says nothing else. */
export interface TenantPlugins {
  tenant: string;
  revision: string;
  plugins: InstalledPlugin[];
}
/** At most so many tenants in one question. */
export const MOST_TENANTS_ASKED = 100;
/** Asked by registry-cache: what these tenants have installed. Those whose revision is the one given are left out of the answer. */
export const ListInstalledPlugins = question<{ tenants: { tenant: string; revision?: string }[] }, TenantPlugins[]>(
  'installer',
  'list-installed-plugins',
);

/** Asked by registry-cache when the catalogue has changed: every tenant that has anything installed, page by page in the order of tenants. */
export const ListTenantPlugins = question<{ after?: string }, { tenants: TenantPlugins[]; next?: string }>(
  'installer',
  'list-tenant-plugins',
);

/** Asked by a runner for a plugin's `config.set`: validates, persists, seals secrets; answers the installation as it is now. */
export const SetConfigValue = question<{ pluginId: string; key: string; value: unknown }, Installation>(
  'installer',
  'set-config-value',
);

/**
 * Asked by a gateway that verifies webhooks: the secrets in these settings of the plugin, by their place (`secret`, `secrets/0`), sealed as
 * they are stored, so that only PLUGIN_SECRETS_KEY opens them. Null when the tenant does not have the plugin.
 */
export const FindSealedSecrets = question<{ pluginId: string; keys: string[] }, Record<string, string> | null>(
  'installer',
  'find-sealed-secrets',
);
