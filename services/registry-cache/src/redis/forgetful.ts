import type { Log } from '@verifywise/broker';

/** Everything in Redis may be lost at any time, so a cache that fails is a cache that has nothing. */
export async function forgetful<T>(use: Promise<T>, log: Log): Promise<T | undefined> {
  try {
    return await use;
  } catch (error) {
    log.debug({ err: error }, 'Redis did not answer; going on without the cache');
    return undefined;
  }
}
