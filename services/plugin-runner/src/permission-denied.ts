import { PlatformError } from '@verifywise/contracts';
import type { Permission } from '@verifywise/plugin-types';

/** What a plugin gets when the runner refuses it something that a permission gives (contract §2). */
export function permissionDenied(pluginId: string, permission: Permission): PlatformError {
  const message = `${pluginId} was not granted ${permission}; declare it in its manifest, or have an admin grant it`;
  return new PlatformError('PERMISSION_DENIED', message, { details: { permission } });
}
