import { PlatformError } from '@verifywise/contracts';
import { fetchWithin, isPublicAddress, type FetchedResponse } from '@verifywise/service-kit';
import { whyRefused } from '../catalogue/allowed-url.ts';
import type { Registry } from '../catalogue/registry.ts';

export interface GuardedFetch {
  deadlineMs: number;
  maxBytes: number;
  headers?: Record<string, string>;
  /** Sent to the registry's own host only. */
  token?: string | undefined;
}

const MOST_REDIRECTS = 5;
const redirects = new Set([301, 302, 303, 307, 308]);

/**
 * Fetches something a registry points to. Every hop is checked by scheme, host and the address that is really connected to;
 * throws DOWNLOAD_REFUSED when one of them is not allowed.
 */
export async function guardedFetch(
  address: string,
  registry: Registry,
  options: GuardedFetch,
): Promise<FetchedResponse> {
  const deadline = Date.now() + options.deadlineMs;
  let hop = address;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
    refuse(whyRefused(hop, registry), registry);
    const response = await fetchWithin(hop, {
      deadlineMs: Math.max(1, deadline - Date.now()),
      maxBytes: options.maxBytes,
      headers: headersFor(hop, registry, options),
      ...(registry.local ? {} : { checkAddress: (found: string) => refuse(whyPrivate(found), registry) }),
    });
    const { location } = response.headers;
    if (!redirects.has(response.status) || typeof location !== 'string') return response;
    response.discard();
    hop = URL.parse(location, hop)?.href ?? '';
  }
  throw new PlatformError(
    'DOWNLOAD_REFUSED',
    `The registry ${registry.name} redirects more than ${MOST_REDIRECTS} times`,
  );
}

function headersFor(hop: string, registry: Registry, { headers, token }: GuardedFetch): Record<string, string> {
  const isOwnHost = URL.parse(hop)?.origin === URL.parse(registry.url)?.origin;
  return { ...headers, ...(token !== undefined && isOwnHost ? { authorization: `Bearer ${token}` } : {}) };
}

function whyPrivate(address: string): string | undefined {
  return isPublicAddress(address) ? undefined : `${address} is not an address of the internet`;
}

function refuse(reason: string | undefined, { name }: Registry): void {
  if (reason !== undefined)
    throw new PlatformError('DOWNLOAD_REFUSED', `The registry ${name} may not be fetched from: ${reason}`);
}
