import { PlatformError, whyUrlRefused, type DownloadRules, type RegistryToken } from '@verifywise/contracts';
import { fetchWithin, type FetchedResponse, type FetchOptions } from './fetch-within.ts';
import { isPublicAddress } from './public-address.ts';

export interface FetchRules extends DownloadRules {
  /** Who it is fetched for, in words: what a refusal says may not be fetched from there. */
  subject: string;
  /** Sent to this origin (`https://registry.example.com`) and to no other. */
  token?: RegistryToken | null;
}

export type GuardedFetchOptions = Pick<FetchOptions, 'deadlineMs' | 'maxBytes' | 'headers' | 'signal' | 'lookup'>;

const MOST_REDIRECTS = 5;
const redirects = new Set([301, 302, 303, 307, 308]);

/**
 * Fetches what somebody outside has written the address of. Every hop is checked by scheme, host and the address that is really
 * connected to; throws DOWNLOAD_REFUSED when one of them is not allowed. The deadline is for all hops together.
 */
export async function guardedFetch(
  address: string,
  rules: FetchRules,
  options: GuardedFetchOptions,
): Promise<FetchedResponse> {
  const { subject, local } = rules;
  const refuse = (reason: string): never => {
    throw new PlatformError('DOWNLOAD_REFUSED', `${subject} may not be fetched: ${reason}`);
  };
  const checkAddress = (found: string): void => {
    if (!isPublicAddress(found)) refuse(`${found} is not an address of the internet`);
  };
  const until = performance.now() + options.deadlineMs;
  let hop = address;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
    const reason = whyUrlRefused(hop, rules);
    if (reason !== undefined) refuse(reason);
    const response = await fetchWithin(hop, {
      ...options,
      deadlineMs: Math.max(1, Math.round(until - performance.now())),
      headers: headersFor(hop, rules, options.headers),
      ...(local ? {} : { checkAddress }),
    });
    const { location } = response.headers;
    if (!redirects.has(response.status) || typeof location !== 'string') return response;
    response.discard();
    hop = URL.parse(location, hop)?.href ?? location;
  }
  return refuse(`it redirects more than ${MOST_REDIRECTS} times`);
}

function headersFor(hop: string, { token }: FetchRules, headers: Record<string, string> = {}): Record<string, string> {
  const isOwn = token != null && URL.parse(hop)?.origin === token.origin;
  return { ...headers, ...(isOwn ? { authorization: `Bearer ${token.value}` } : {}) };
}
