import { PlatformError } from '@verifywise/contracts';

const AWAY: readonly string[] = ['UNAVAILABLE', 'ASK_TIMED_OUT', 'BROKER_UNAVAILABLE'];

/** Undefined when nobody can say now what is installed. */
export async function orUnknown<Known>(known: Promise<Known>): Promise<Known | undefined> {
  try {
    return await known;
  } catch (error) {
    if (error instanceof PlatformError && AWAY.includes(error.code)) return undefined;
    throw error;
  }
}
