import { PlatformError } from '@verifywise/contracts';

/** Nobody, or nobody we believe. The message never repeats the token. */
export class UnauthenticatedError extends PlatformError {
  constructor(message: string, cause?: unknown) {
    super('UNAUTHENTICATED', message, { cause });
  }
}
