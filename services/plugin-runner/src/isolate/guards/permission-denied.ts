import type { Permission } from '@verifywise/plugin-types';

/** What a plugin gets when it does what it was not granted, or what no plugin is ever given. */
export class PermissionDeniedError extends Error {
  readonly code = 'PERMISSION_DENIED';
  /** Null for what no permission gives. */
  readonly permission: Permission | null;

  private constructor(message: string, permission: Permission | null) {
    super(message);
    this.name = 'PermissionDeniedError';
    this.permission = permission;
  }

  /** An admin, or the manifest, can give it. */
  static missing(permission: Permission, tried = 'This'): PermissionDeniedError {
    const message = `${tried} needs the permission ${permission}, which was not granted; add it to "permissions" in manifest.json`;
    return new PermissionDeniedError(message, permission);
  }

  /** The permission is there, and does not reach so far. */
  static beyond(permission: Permission, tried: string, reach: string): PermissionDeniedError {
    return new PermissionDeniedError(`${tried} is more than the permission ${permission} gives: ${reach}`, permission);
  }

  /** Nobody can give it. */
  static never(tried: string, instead = 'a plugin has its own process and nothing beyond it'): PermissionDeniedError {
    return new PermissionDeniedError(`${tried} is never given to plugins: ${instead}`, null);
  }
}

const CODES: unknown[] = ['PERMISSION_DENIED', 'ERR_ACCESS_DENIED'];

/** Whether an error says that something was not granted, wherever it was thrown: by the guards, the runner or Node's permission model. */
export function isPermissionDenied(error: unknown): error is Error {
  try {
    return error instanceof Error && CODES.includes((error as { code?: unknown }).code);
  } catch {
    // What throws when it is looked at is nothing of ours.
    return false;
  }
}
