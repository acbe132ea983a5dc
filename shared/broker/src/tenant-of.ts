import { PlatformError } from '@verifywise/contracts';
import type { About } from './broker.ts';

/** The tenant of a message that makes no sense without one; throws BAD_REQUEST when it names none. */
export function tenantOf({ tenant, envelope }: Pick<About, 'tenant' | 'envelope'>): string {
  if (tenant === null) throw new PlatformError('BAD_REQUEST', `${envelope.type} needs a tenant`);
  return tenant;
}
