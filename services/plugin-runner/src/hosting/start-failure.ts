import type { Installation, PluginFailure } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import { HookError } from './hook-errors.ts';

/** Trying again brings no other files. */
const FILES_ARE_LOST: readonly string[] = ['PACKAGE_NOT_FOUND', 'CHECKSUM_MISMATCH'];

/** Whose fault it is that a plugin did not start, and so what comes of it. */
export type StartFailure =
  /** The plugin's, or its files': the installer decides what comes of it. */
  | { fault: 'plugin'; failure: PluginFailure }
  /** Nobody's: an admin has withheld a permission that it needs. Permission errors never disable. */
  | { fault: 'permission' }
  /** The platform's (no disk, no process, nobody who answered what a hook asked): the next reconciliation tries again. */
  | { fault: 'platform'; message: string };

export function startFailureOf({ pluginId, version, generation }: Installation, error: unknown): StartFailure {
  if (error instanceof HookError) {
    if (error.code === 'PERMISSION_DENIED') return { fault: 'permission' };
    if (error.platformAway) return { fault: 'platform', message: error.message };
    const { hook: during, reason, message, pluginStack } = error;
    const stack = pluginStack === undefined ? {} : { stack: pluginStack };
    return { fault: 'plugin', failure: { pluginId, version, generation, reason, during, message, ...stack } };
  }
  if (error instanceof PlatformError && FILES_ARE_LOST.includes(error.code)) {
    const message = `The platform has no good copy of the files of ${pluginId} ${version} any more; install it again (${error.message})`;
    return {
      fault: 'plugin',
      failure: { pluginId, version, generation, reason: 'load', during: 'load', message },
    };
  }
  return { fault: 'platform', message: error instanceof Error ? error.message : String(error) };
}
