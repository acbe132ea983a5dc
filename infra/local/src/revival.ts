import { setTimeout as pause } from 'node:timers/promises';
import { StartError, reasonOf } from './start-error.ts';

/** What lived shorter than this did not die of bad luck. */
const QUICK_DEATH_MS = 10_000;
const FAILURES_ALLOWED = 5;
const FIRST_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 5_000;

export interface RevivalOptions {
  name: string;
  log: (line: string) => void;
  /** It dies faster than it can be of use; nobody starts it again. */
  onGivenUp: (error: StartError) => void;
  /** Nobody wants it any more. */
  ended: AbortSignal;
  /** Starts it again; rejects when it could not. */
  start: () => Promise<unknown>;
  /** How long it waits after so many failures in a row. */
  pauseMs?: (failures: number) => number;
}

export interface Death {
  livedMs: number;
  /** We killed it, which says nothing about its next life. */
  wanted?: boolean;
  reason: () => string;
}

/** Starts again what died, later each time it dies young or cannot start, and gives up at last; one for each thing that may die. */
export function createRevival(options: RevivalOptions): (death: Death) => Promise<void> {
  const { name, log, onGivenUp, ended, start, pauseMs = backoff } = options;
  let failures = 0;
  return async function bringBack({ livedMs, wanted = false, reason }) {
    failures = livedMs < QUICK_DEATH_MS && !wanted ? failures + 1 : 0;
    if (failures > FAILURES_ALLOWED) {
      onGivenUp(new StartError(`${name} died ${failures} times in a row: ${reason()}`));
      return;
    }
    // Its log says nothing about a death that we wanted.
    log(`${name} ${wanted ? 'was killed' : `died (${reason()})`}; starting it again`);
    for (;;) {
      try {
        await pause(pauseMs(failures), undefined, { signal: ended });
        await start();
        return;
      } catch (error) {
        if (ended.aborted) return;
        failures += 1;
        if (failures <= FAILURES_ALLOWED) continue;
        onGivenUp(new StartError(`${name} could not be started again: ${reasonOf(error)}`));
        return;
      }
    }
  };
}

function backoff(failures: number): number {
  return Math.min(FIRST_BACKOFF_MS * 2 ** failures, LONGEST_BACKOFF_MS);
}
