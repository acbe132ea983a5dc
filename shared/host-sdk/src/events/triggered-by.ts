import { PlatformError } from '@verifywise/contracts';
import type { UserEventPayload } from '@verifywise/plugin-types';

/** Where the usual authentication middleware leaves the user: on `req` itself or in `req.user`. */
export interface RequestWithUser {
  userId?: number | string;
  user?: { id?: number | string; userId?: number | string; email?: string; name?: string };
}

/**
 * Who caused the request, as events carry it (S:17.1). Throws UNAUTHENTICATED when the request has no user with a
 * numeric id: an event that names nobody must not look as if somebody had caused it.
 */
export function triggeredBy(req: RequestWithUser): UserEventPayload['triggeredBy'] {
  const { user } = req;
  const userId = Number(req.userId ?? user?.id ?? user?.userId);
  if (!Number.isSafeInteger(userId)) {
    throw new PlatformError('UNAUTHENTICATED', 'This request has no user with a numeric id');
  }
  return {
    userId,
    ...(user?.email === undefined ? {} : { email: user.email }),
    ...(user?.name === undefined ? {} : { name: user.name }),
  };
}
