import { isDeepStrictEqual } from 'node:util';
import type { Surface } from '@verifywise/contracts';
import type { KnownSurface } from './surface-records.ts';

/** What an enabled plugin offers, as it was last heard, whether its process runs or not; nothing of one that is not enabled. */
export class KnownOffer {
  surface: Surface | undefined;
  /** When the tenant enabled it, in seconds; by this machine's clock until the database has said. */
  enabledSince = Infinity;
  #version: string | undefined;

  /** What another runner has stored of it. False when the plugin has said more itself here. */
  remember({ surface, since, version }: KnownSurface): boolean {
    if (this.surface) return false;
    this.surface = surface;
    this.#version = version;
    this.enabledSince = since;
    return true;
  }

  /** What the plugin says itself. False when it was known. */
  hear(surface: Surface, version: string): boolean {
    if (!this.surface) this.enabledSince = Date.now() / 1_000;
    else if (version === this.#version && isDeepStrictEqual(surface, this.surface)) return false;
    this.surface = surface;
    this.#version = version;
    return true;
  }

  /** False when there was nothing. */
  drop(): boolean {
    const known = this.surface !== undefined;
    this.surface = undefined;
    return known;
  }
}
