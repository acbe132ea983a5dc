import type { Registry } from './registry.ts';

type Rules = Pick<Registry, 'url' | 'local' | 'allowedHosts'>;

/** Why something of this registry may not be fetched from this address, or undefined when it may. */
export function whyRefused(address: string, registry: Rules): string | undefined {
  const url = URL.parse(address);
  if (url === null) return 'it is not an absolute URL';
  if (url.protocol !== 'https:' && !(registry.local && url.protocol === 'http:')) return 'it is not https';
  if (url.username !== '' || url.password !== '') return 'it has a user name in it';
  if (!isAllowedHost(url.hostname, registry)) return `the host ${url.hostname} is not allowed for this registry`;
  return undefined;
}

function isAllowedHost(host: string, { url, allowedHosts }: Rules): boolean {
  if (host === URL.parse(url)?.hostname) return true;
  return allowedHosts.some((allowed) =>
    allowed.startsWith('*.') ? host.endsWith(allowed.slice(1)) : host === allowed.toLowerCase(),
  );
}
