import type { HandlerFailure } from '../isolate/protocol.ts';

/** The events behind it wait as long. */
const LONGEST_WAIT_MS = 60_000;
/** Handlers that failed together, of many plugins at one service, are not called again together. */
const JITTER = 0.2;
/** An event at which so many processes have ended is set aside. */
const CRASHES_AT_MOST = 2;

export interface FailedHandler extends HandlerFailure {
  /** Nobody knows whether it was this event: the process ended while it was handled. */
  crashed?: true;
}

/** An event that some handlers of a plugin have failed at and want to be given again. */
export interface EventRetry {
  /** Attempts made. */
  attempts: number;
  /** Of the plugin; what a handler is called by means nothing in another. */
  version: string;
  failed: FailedHandler[];
  /** When the next attempt is due, in milliseconds of the clock on the wall: another runner may be the one to make it. */
  dueAt: number;
}

/** Whether a handler that has failed so many times is to be called again. */
export function wantsMore({ retry, crashed }: FailedHandler, attempts: number): boolean {
  if (crashed) return attempts < CRASHES_AT_MOST;
  return retry !== undefined && attempts < retry.attempts;
}

/** Whether a process has ended at the event. */
export function endedAProcess(retry: EventRetry | undefined): boolean {
  return retry?.failed.some(({ crashed }) => crashed) ?? false;
}

/** How long to wait before the next attempt: as long as the most patient of the failed handlers asks, and up to a fifth longer. */
export function waitMs(
  { failed, attempts }: Pick<EventRetry, 'failed' | 'attempts'>,
  random: () => number = Math.random,
): number {
  const waits = failed.map(({ retry }) => {
    if (!retry) return 0;
    const { type, delay } = retry.backoff;
    return type === 'fixed' ? delay : delay * 2 ** (attempts - 1);
  });
  return Math.min(Math.round(Math.max(0, ...waits) * (1 + JITTER * random())), LONGEST_WAIT_MS);
}
