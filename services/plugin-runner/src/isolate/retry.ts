import type { EventOptions } from '@verifywise/plugin-types';

type Retry = NonNullable<EventOptions['retry']>;

/** The events behind one that is tried again wait for it. */
export const ATTEMPTS_AT_MOST = 20;

/** A copy that nobody can change any more, each part read once; undefined when it is no retry. */
export function retryOf(said: unknown): Retry | undefined {
  const { attempts, backoff } = (said ?? {}) as { attempts?: unknown; backoff?: unknown };
  const { type, delay } = (backoff ?? {}) as { type?: unknown; delay?: unknown };
  const counted = typeof attempts === 'number' && Number.isInteger(attempts) && attempts >= 1;
  if (!counted || attempts > ATTEMPTS_AT_MOST) return undefined;
  if ((type !== 'fixed' && type !== 'exponential') || typeof delay !== 'number' || !(delay >= 0)) return undefined;
  return { attempts, backoff: { type, delay } };
}
