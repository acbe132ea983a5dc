import type { Permission } from '@verifywise/plugin-types';
import { PermissionsNotAcceptedError } from './errors.ts';
import { permissionsView, type Granted } from './permissions-view.ts';

/** A first installation grants what is declared; an admin who names what they accept must have named all of it. */
export function grantsOnInstall(
  pluginId: string,
  declared: Permission[],
  accepted: Permission[] | undefined,
): Permission[] {
  if (accepted !== undefined) assertAccepted(pluginId, declared, accepted);
  return [...declared];
}

/**
 * An update keeps what was granted and taken away; only what is newly declared needs consent (contract §2). What is no longer declared
 * goes, unless an admin had given it beyond what was declared: a plugin must not work here and fail where it is installed anew.
 */
export function grantsOnUpdate(
  pluginId: string,
  before: { declared: Permission[]; granted: Permission[] },
  declared: Permission[],
  accepted: Permission[] | undefined,
): Permission[] {
  const known = new Set([...before.declared, ...before.granted]);
  const added = declared.filter((permission) => !known.has(permission));
  assertAccepted(pluginId, added, accepted ?? []);
  const kept = before.granted.filter(
    (permission) => declared.includes(permission) || !before.declared.includes(permission),
  );
  return [...kept, ...added];
}

/** What an admin has taken away, or given beyond what is declared, stays so with the version before. */
export function grantsOnRollback(now: Granted, previous: Granted): Permission[] {
  const { withheld: takenAway, additional: given } = permissionsView(now);
  const kept = previous.granted.filter(
    (permission) =>
      !takenAway.includes(permission) &&
      (previous.manifest.permissions.includes(permission) || given.includes(permission)),
  );
  return [...new Set([...kept, ...given])];
}

function assertAccepted(pluginId: string, needed: Permission[], accepted: Permission[]): void {
  const missing = needed.filter((permission) => !accepted.includes(permission));
  if (missing.length > 0) throw new PermissionsNotAcceptedError(pluginId, missing);
}
