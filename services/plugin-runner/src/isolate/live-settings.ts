import type { Permission } from '@verifywise/plugin-types';
import { Denials } from './guards/denials.ts';
import { PermissionDeniedError } from './guards/permission-denied.ts';
import type { IsolateSettings } from './protocol.ts';

/** Grants and settings as they are now: replaced as a whole when an admin or the plugin changes one. */
export class LiveSettings {
  readonly #denials: Denials;
  #granted: readonly Permission[] = [];
  #config: IsolateSettings['config'] = null;

  constructor(denials = new Denials(() => undefined)) {
    this.#denials = denials;
  }

  replace({ granted, config }: IsolateSettings): void {
    this.#granted = granted;
    this.#config = config;
  }

  replaceConfig(config: IsolateSettings['config']): void {
    this.#config = config;
  }

  has(permission: Permission): boolean {
    // Plugin code may have replaced the methods of lists and sets.
    for (let at = 0; at < this.#granted.length; at += 1) {
      if (this.#granted[at] === permission) return true;
    }
    return false;
  }

  /** Throws what the plugin gets for `tried` without the permission; the runner refuses the same again where it matters. */
  need(permission: Permission, tried?: string): void {
    if (!this.has(permission)) throw this.#denials.of(PermissionDeniedError.missing(permission, tried));
  }

  config(): Record<string, unknown> {
    if (!this.#config) throw this.#denials.of(PermissionDeniedError.missing('config:read', 'context.config'));
    return this.#config;
  }
}
