import type { Registry } from '../catalogue/registry.ts';

/** A registry as PostgreSQL has it. */
export interface RegistryColumns {
  name: string;
  url: string;
  verified: boolean;
  local: boolean;
  allowed_hosts: string[];
  sealed_token: string | null;
}

/** Nothing is known of it any more, and whoever fetches it at this moment has lost the right to. */
export const TO_BE_FETCHED = `etag = NULL, last_modified = NULL, checked_at = NULL, failed_at = NULL, last_error = NULL,
    lease_holder = NULL, leased_until = NULL`;

export function registryOf(row: RegistryColumns): Registry {
  const { name, url, verified, local, allowed_hosts: allowedHosts, sealed_token: sealedToken } = row;
  return { name, url, verified, local, allowedHosts, sealedToken };
}

/** In the order of `name, url, verified, local, allowed_hosts, sealed_token`. */
export function valuesOf({ name, url, verified, local, allowedHosts, sealedToken }: Registry): unknown[] {
  return [name, url, verified, local, JSON.stringify(allowedHosts), sealedToken];
}
