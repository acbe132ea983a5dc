import type { Permission } from '@verifywise/plugin-types';

export interface PermissionsView {
  /** What the manifest asks for. */
  declared: Permission[];
  /** What the plugin may do. */
  granted: Permission[];
  /** Declared, and taken away by an admin. */
  withheld: Permission[];
  /** Given by an admin beyond what is declared. */
  additional: Permission[];
}

/** A plugin as far as what it may do goes. */
export interface Granted {
  manifest: { permissions: Permission[] };
  granted: Permission[];
}

export function permissionsView({ manifest, granted }: Granted): PermissionsView {
  const declared = manifest.permissions;
  return {
    declared,
    granted,
    withheld: declared.filter((permission) => !granted.includes(permission)),
    additional: granted.filter((permission) => !declared.includes(permission)),
  };
}
