import { PlatformError } from '@verifywise/contracts';

/** Another replica has taken the operation over, so what this one still wanted to write is void. */
export class LeaseLostError extends PlatformError {
  constructor(operationId: string) {
    super('CONFLICT', `Operation ${operationId} is now run by another installer`);
  }
}
