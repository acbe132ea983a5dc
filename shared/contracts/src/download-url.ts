/** Where something of a registry may be fetched from. */
export interface DownloadRules {
  /** Plain http and private addresses are fine: a registry on this machine or in this network. */
  local: boolean;
  /** Hosts, with a port where it is not the usual one; `*.example.com` stands for every host below it. */
  allowedHosts: readonly string[];
}

/** Parsers leave these out or put something else in their place, so what is checked would not be what was written. */
// eslint-disable-next-line no-control-regex -- control characters are what is to be found here
const NO_URL = /[\u0000-\u0020\u007f\\]/;

/** Why nothing may be fetched from this address, or undefined when it may, as far as the address itself tells (contract §3). */
export function whyUrlRefused(address: string, { local, allowedHosts }: DownloadRules): string | undefined {
  const url = NO_URL.test(address) || !address.isWellFormed() ? null : URL.parse(address);
  if (url === null) return 'it is not an absolute URL';
  if (url.protocol !== 'https:' && !(local && url.protocol === 'http:')) return 'it is not https';
  if (url.username !== '' || url.password !== '') return 'it has a user name or password in it';
  if (allowedHosts.some((allowed) => isHost(url, allowed.toLowerCase(), local))) return undefined;
  return `the host ${url.host} is not allowed for this registry`;
}

/** A host without a port means the usual one, but for local registries, which have any. */
function isHost({ hostname, host, port }: URL, allowed: string, local: boolean): boolean {
  const wildcard = allowed.startsWith('*.');
  const same = (name: string) =>
    wildcard
      ? name.endsWith(allowed.slice(1)) && name.length >= allowed.length
      : name === allowed || name === `[${allowed}]`;
  return same(host) || (same(hostname) && (local || port === ''));
}
