import { PlatformError, permissionsNamed } from '@verifywise/contracts';
import { permissions, type Permission } from '@verifywise/plugin-types';

/** The permissions that a request names, older names understood; one that does not exist is refused. */
export function permissionsIn(field: string, words: string[]): Permission[] {
  const unknown = words.filter((word) => permissionsNamed(word).length === 0);
  if (unknown.length === 0) return [...new Set(words.flatMap(permissionsNamed))];
  const message = `${field} names ${unknown.join(', ')}; permissions are ${permissions.join(', ')}`;
  throw new PlatformError('VALIDATION_FAILED', message);
}
