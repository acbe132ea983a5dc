import type { Permission } from '@verifywise/plugin-types';
import type { IsolateSettings } from './protocol.ts';

/** What a plugin gets when it does what it was not granted; the runner refuses the same again where it matters. */
class PermissionDeniedError extends Error {
  readonly code = 'PERMISSION_DENIED';
  constructor(permission: Permission) {
    super(`This needs the permission ${permission}, which was not granted; add it to "permissions" in manifest.json`);
    this.name = 'PermissionDeniedError';
  }
}

/** Grants and settings as they are now: replaced as a whole when an admin or the plugin changes one. */
export class LiveSettings {
  #granted = new Set<Permission>();
  #config: IsolateSettings['config'] = null;

  replace({ granted, config }: IsolateSettings): void {
    this.#granted = new Set(granted);
    this.#config = config;
  }

  replaceConfig(config: IsolateSettings['config']): void {
    this.#config = config;
  }

  need(permission: Permission): void {
    if (!this.#granted.has(permission)) throw new PermissionDeniedError(permission);
  }

  config(): Record<string, unknown> {
    if (!this.#config) throw new PermissionDeniedError('config:read');
    return this.#config;
  }
}
