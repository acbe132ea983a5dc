import type { TenantPlugins, UpdateAvailable } from '@verifywise/contracts';

/** Which updates tenants were told of, and when all of them were last looked at. */
export interface AnnouncedUpdates {
  /** Publishes a fact for each that this tenant was never told of; gives how many those were. */
  announce(tenant: string, updates: readonly UpdateAvailable[]): Promise<number>;
  /**
   * The right to look at all tenants, for a while: when that was not done yet for this catalogue, or not within `everyMs`.
   * Undefined when it is not due, or another replica is at it.
   */
  beginSweep(catalogue: string, everyMs: number, forMs: number): Promise<Sweep | undefined>;
}

export interface Sweep {
  finished(): Promise<void>;
  /** It is due at once again. */
  failed(): Promise<void>;
}

/** Every tenant that has something installed, page by page. */
export type AllTenants = () => AsyncIterable<TenantPlugins[]>;
