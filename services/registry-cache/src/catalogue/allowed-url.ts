import { whyUrlRefused } from '@verifywise/contracts';
import type { Registry } from './registry.ts';

type Rules = Pick<Registry, 'url' | 'local' | 'allowedHosts'>;

/** Why something of this registry may not be fetched from this address, or undefined when it may. */
export function whyRefused(address: string, registry: Rules): string | undefined {
  return whyUrlRefused(address, { local: registry.local, allowedHosts: allowedHostsOf(registry) });
}

/** Hosts that a registry's packages and icons may come from; its own is always among them. */
export function allowedHostsOf({ url, local, allowedHosts }: Rules): string[] {
  const parsed = URL.parse(url);
  const own = local ? parsed?.hostname : parsed?.host;
  return own === undefined || allowedHosts.includes(own) ? allowedHosts : [...allowedHosts, own];
}
