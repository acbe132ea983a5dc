import type { About } from '@verifywise/broker';
import { PlatformError } from '@verifywise/contracts';

/** Everything the gateway is told is about one tenant. */
export function tenantOf(about: About): string {
  if (about.tenant === null) throw new PlatformError('BAD_REQUEST', `${about.envelope.type} needs a tenant`);
  return about.tenant;
}
