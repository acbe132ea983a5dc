import type { About } from '@verifywise/broker';
import { PlatformError } from '@verifywise/contracts';

/** The tenant of a message that makes no sense without one. */
export function tenantOf({ tenant, envelope }: About): string {
  if (tenant === null) throw new PlatformError('BAD_REQUEST', `${envelope.type} needs a tenant`);
  return tenant;
}
