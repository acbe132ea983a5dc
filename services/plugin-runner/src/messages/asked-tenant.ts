import type { About } from '@verifywise/broker';
import { PlatformError } from '@verifywise/contracts';

/** Whom a question is about: the envelope says, whatever its payload says. */
export function askedTenant({ tenant }: Pick<About, 'tenant'>): string {
  if (tenant === null) throw new PlatformError('BAD_REQUEST', 'The question names no tenant');
  return tenant;
}

/** For a question that does not say how long its asker waits. */
const USUAL_DEADLINE_MS = 5_000;

/** Milliseconds the asker waits. */
export function askedDeadline({ deadlineMs }: Pick<About, 'deadlineMs'>): number {
  return deadlineMs ?? USUAL_DEADLINE_MS;
}
