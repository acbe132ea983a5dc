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

export function registryOf(row: RegistryColumns): Registry {
  const { name, url, verified, local, allowed_hosts: allowedHosts, sealed_token: sealedToken } = row;
  return { name, url, verified, local, allowedHosts, sealedToken };
}
