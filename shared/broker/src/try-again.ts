import { Backoff } from './backoff.ts';

const BACKOFF = { firstMs: 200, maxMs: 10_000 };

/** Runs `attempt` until it succeeds, with growing pauses; throws its last error, or at once when the signal is aborted. */
export async function tryAgain(
  attempt: () => Promise<void>,
  options: { attempts: number; signal: AbortSignal; failed: (error: unknown, attempt: number) => void },
): Promise<void> {
  const backoff = new Backoff(BACKOFF);
  for (let tried = 1; ; tried += 1) {
    try {
      await attempt();
      return;
    } catch (error) {
      options.failed(error, tried);
      if (tried >= options.attempts || options.signal.aborted) throw error;
    }
    await backoff.pause(options.signal);
    options.signal.throwIfAborted();
  }
}
