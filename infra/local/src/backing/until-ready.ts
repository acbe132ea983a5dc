import { setTimeout as pause } from 'node:timers/promises';
import { StartError, reasonOf } from '../start-error.ts';

const PAUSE_BETWEEN_TRIES_MS = 50;

export interface Readiness {
  what: string;
  within: number;
  /** Rejects as long as it is not ready. */
  probe: () => Promise<unknown>;
  /** Settles when there is nothing left to wait for, with the reason. */
  ended?: Promise<string>;
  /** Somebody no longer wants it. */
  signal?: AbortSignal | undefined;
}

/** Resolves when the probe succeeds; rejects with the last reason when time is up or what we wait for has ended. */
export async function untilReady({ what, within, probe, ended, signal }: Readiness): Promise<void> {
  let gone: string | undefined;
  void ended?.then((reason) => (gone = reason));
  const deadline = Date.now() + within;
  for (;;) {
    if (signal?.aborted === true) throw new StartError(`${what} was interrupted while starting`);
    try {
      await probe();
      return;
    } catch (error) {
      if (gone !== undefined) throw new StartError(`${what} ended while starting: ${gone}`);
      if (Date.now() > deadline) {
        throw new StartError(`${what} was not ready within ${within / 1000} s (${reasonOf(error)})`);
      }
    }
    await pause(PAUSE_BETWEEN_TRIES_MS);
  }
}
