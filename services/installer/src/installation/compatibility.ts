import { checkCompatibility } from '@verifywise/contracts';
import type { PluginCompatibility } from '@verifywise/plugin-types';
import { IncompatibleError } from './errors.ts';

/** Throws INCOMPATIBLE when the plugin does not run on this host (S:16.3), unless an admin forces it. */
export function assertCompatible(
  plugin: { id: string; version: string; compatibility: PluginCompatibility },
  hostVersion: string,
  force: boolean | undefined,
): void {
  if (force === true) return;
  const checked = checkCompatibility(hostVersion, plugin.compatibility);
  if (!checked.compatible) throw new IncompatibleError(plugin.id, plugin.version, checked.reason);
}
