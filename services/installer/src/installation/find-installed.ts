import { PluginNotInstalledError } from './errors.ts';
import type { Installations } from './hands.ts';
import type { InstalledRecord } from './installed-plugin.ts';

/** Throws PLUGIN_NOT_INSTALLED when the tenant has no such plugin. */
export async function findInstalled(
  { installations }: { installations: Installations },
  { tenant, pluginId }: { tenant: string; pluginId: string },
): Promise<InstalledRecord> {
  const record = await installations.find(tenant, pluginId);
  if (record === null) throw new PluginNotInstalledError(pluginId);
  return record;
}
