import { setTimeout as pause } from 'node:timers/promises';

/** Generous, because it is only waited for when something is wrong. */
const WITHIN_MS = 15_000;
const PAUSE_BETWEEN_TRIES_MS = 25;

/** Repeats the assertion until it holds and returns its result; after the deadline throws what it threw last. */
export async function eventually<T>(assertion: () => T | Promise<T>, { within = WITHIN_MS } = {}): Promise<T> {
  const deadline = Date.now() + within;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await pause(PAUSE_BETWEEN_TRIES_MS);
  }
}
