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
/** Asked by registry-cache: what a tenant has installed. */
export const ListInstalledPlugins = question<Record<string, never>, InstalledPlugin[]>(
  'installer',
  'list-installed-plugins',
);

/** Asked by a runner for a plugin's `config.set`: validates, persists, seals secrets; answers the installation as it is now. */
export const SetConfigValue = question<{ pluginId: string; key: string; value: unknown }, Installation>(
  'installer',
  'set-config-value',
);
