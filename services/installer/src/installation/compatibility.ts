import { checkCompatibility } from '@verifywise/contracts';
import type { PluginCompatibility } from '@verifywise/plugin-types';
import { IncompatibleError } from './errors.ts';

/** Throws INCOMPATIBLE when the plugin does not run on this host (S:16.3), unless an admin forces it: then it answers what was overridden. */
export function assertCompatible(
  plugin: { id: string; version: string; compatibility: PluginCompatibility },
  hostVersion: string,
  force: boolean | undefined,
): string | undefined {
  const checked = checkCompatibility(hostVersion, plugin.compatibility);
  if (checked.compatible) return undefined;
  if (force === true) return checked.reason;
  throw new IncompatibleError(plugin.id, plugin.version, checked.reason);
}
