import { fact } from '../messages.ts';

/** The catalogue of a registry was fetched anew; platform-wide, so its envelope has no tenant. */
export const RegistryRefreshed = fact<{ registry: string; plugins: number; quarantined: number }>('registry.refreshed');

/** A tenant could update a plugin; published once for each tenant, plugin and version. */
export interface UpdateAvailable {
  pluginId: string;
  /** The one that could be installed. */
  version: string;
  installedVersion: string;
  registry: string;
}
export const PluginUpdateAvailable = fact<UpdateAvailable>('plugin.update_available');
