import type { Registry } from './registry.ts';

type Rules = Pick<Registry, 'url' | 'allowedHosts'>;

/** Browsers leave these out or put something else in their place, so what is checked would not be what is fetched. */
// eslint-disable-next-line no-control-regex
const NO_URL = /[\u0000-\u0020\u007f\\]/;

/** Why something of this registry may not be fetched from this address, or undefined when it may. */
export function whyRefused(address: string, registry: Rules & Pick<Registry, 'local'>): string | undefined {
  const url = NO_URL.test(address) || !address.isWellFormed() ? null : URL.parse(address);
  if (url === null) return 'it is not an absolute URL';
  if (url.protocol !== 'https:' && !(registry.local && url.protocol === 'http:')) return 'it is not https';
  if (url.username !== '' || url.password !== '') return 'it has a user name in it';
  if (!isAllowedHost(url.hostname, registry)) return `the host ${url.hostname} is not allowed for this registry`;
  return undefined;
}

/** Hosts that a registry's packages and icons may come from; its own is always among them. */
export function allowedHostsOf({ url, allowedHosts }: Rules): string[] {
  const own = URL.parse(url)?.hostname;
  return own === undefined || allowedHosts.includes(own) ? allowedHosts : [...allowedHosts, own];
}

function isAllowedHost(host: string, rules: Rules): boolean {
  return allowedHostsOf(rules).some((allowed) =>
    allowed.startsWith('*.') ? host.endsWith(allowed.slice(1).toLowerCase()) : host === allowed.toLowerCase(),
  );
}
