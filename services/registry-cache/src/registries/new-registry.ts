import { PlatformError } from '@verifywise/contracts';
import { whyRefused } from '../catalogue/allowed-url.ts';
import type { Registry } from '../catalogue/registry.ts';
import type { TokenSeal } from './token-seal.ts';

/** A registry as it is given, by an operator or in the settings. */
export interface RegistryRequest {
  name: string;
  url: string;
  token?: string;
  verified?: boolean;
  local?: boolean;
  allowedHosts?: string[];
}

/** All of a registry but its name; a token that is not said stays, null takes it away. */
export type RegistryReplacement = Omit<RegistryRequest, 'name' | 'token'> & { token?: string | null };
export type RegistryChange = Partial<RegistryReplacement>;

/** Where GitHub's releases and raw files come from (contract §3). */
const DEFAULT_HOSTS = ['github.com', '*.githubusercontent.com'];

/** At its path is the audit log. */
const RESERVED_NAME = 'audit';

export function newRegistry(request: RegistryRequest, seal: TokenSeal['seal']): Registry {
  if (request.name === RESERVED_NAME)
    throw new PlatformError('VALIDATION_FAILED', `No registry can be called ${RESERVED_NAME}; take another name`);
  const { name, url, token, verified = false, local = false, allowedHosts = DEFAULT_HOSTS } = request;
  const sealedToken = token === undefined ? null : sealed(token, name, seal);
  return usable({ name, url, verified, local, allowedHosts, sealedToken });
}

/** What is not said stays as it is. Throws CONFLICT when a stored token would go to another server than it was given for. */
export function changedRegistry(stored: Registry, change: RegistryChange, seal: TokenSeal['seal']): Registry {
  const { token, ...rest } = change;
  const changed = usable({ ...stored, ...rest });
  if (token !== undefined) return { ...changed, sealedToken: token === null ? null : sealed(token, stored.name, seal) };
  if (stored.sealedToken !== null && originOf(stored) !== originOf(changed)) {
    throw new PlatformError(
      'CONFLICT',
      `The token of ${stored.name} was given for ${originOf(stored)}; to change the url to ${originOf(changed)} say the token again, or null to go without one`,
    );
  }
  return changed;
}

/** What is not said is as in a new registry, except for the token. */
export function replacedRegistry(stored: Registry, request: RegistryReplacement, seal: TokenSeal['seal']): Registry {
  const whole = { verified: false, local: false, allowedHosts: DEFAULT_HOSTS, ...request };
  return changedRegistry(stored, whole, seal);
}

function usable(registry: Registry): Registry {
  const refused = whyRefused(registry.url, registry);
  if (refused === undefined) return registry;
  throw new PlatformError('VALIDATION_FAILED', `The url of the registry ${registry.name} cannot be used: ${refused}`);
}

function sealed(token: string, name: string, seal: TokenSeal['seal']): string {
  if (seal !== undefined) return seal(token, name);
  throw new PlatformError(
    'CONFLICT',
    `The token of ${name} cannot be kept: set PLUGIN_SECRETS_KEY for registry-cache and start it again`,
  );
}

function originOf({ url }: Registry): string {
  return URL.parse(url)?.origin ?? url;
}
