import type { HandlerFailure } from '../isolate/protocol.ts';

/** The events behind it wait as long. */
const LONGEST_WAIT_MS = 60_000;

/** An event that some handlers of a plugin have failed at and want to be given again. */
export interface EventRetry {
  /** Attempts made. */
  attempts: number;
  /** Of the plugin; what a handler is called by means nothing in another. */
  version: string;
  failed: HandlerFailure[];
  /** When the next attempt is due, in milliseconds of the clock on the wall: another runner may be the one to make it. */
  dueAt: number;
}

/** Whether a handler that has failed so many times is to be called again. */
export function wantsMore({ retry }: HandlerFailure, attempts: number): boolean {
  return retry !== undefined && attempts < retry.attempts;
}

/** How long to wait before the next attempt: as long as the most patient of the failed handlers asks. */
export function waitMs({ failed, attempts }: Pick<EventRetry, 'failed' | 'attempts'>): number {
  const waits = failed.map(({ retry }) => {
    if (!retry) return 0;
    const { type, delay } = retry.backoff;
    return type === 'fixed' ? delay : delay * 2 ** (attempts - 1);
  });
  return Math.min(Math.max(0, ...waits), LONGEST_WAIT_MS);
}
