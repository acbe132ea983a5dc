import { guardedFetch as fetchByRules, type FetchedResponse, type GuardedFetchOptions } from '@verifywise/service-kit';
import { allowedHostsOf } from '../catalogue/allowed-url.ts';
import type { Registry } from '../catalogue/registry.ts';

export interface GuardedFetch extends GuardedFetchOptions {
  /** Sent to the registry's own host only. */
  token?: string | undefined;
}

/** Fetches something a registry points to; throws DOWNLOAD_REFUSED when its address, or one it redirects to, is not allowed. */
export function guardedFetch(
  address: string,
  registry: Registry,
  { token, ...options }: GuardedFetch,
): Promise<FetchedResponse> {
  const origin = URL.parse(registry.url)?.origin;
  const rules = {
    subject: `The registry ${registry.name}`,
    local: registry.local,
    allowedHosts: allowedHostsOf(registry),
    ...(token === undefined || origin === undefined ? {} : { token: { value: token, origin } }),
  };
  return fetchByRules(address, rules, options);
}
