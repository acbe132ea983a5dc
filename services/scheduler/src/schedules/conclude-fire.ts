import type { JobOutcome } from '@verifywise/contracts';
import type { FireBook } from './books.ts';
import { verdictOn, type Verdict } from './retries.ts';

interface Needs {
  fires: FireBook;
  /** How long a fire waits for its handler. */
  handlerWaitMs: number;
  wake: () => void;
  wakeIn: (ms: number) => void;
  watch: { concluded(tenant: string, outcome: JobOutcome, verdict: Verdict): void };
}

/** Hears how a fire ended: done, tried again as the schedule says, or waiting for a handler. */
export function createConcludeFire(needs: Needs): (tenant: string, outcome: JobOutcome) => Promise<void> {
  const { fires, handlerWaitMs, wake, wakeIn, watch } = needs;
  return async (tenant, outcome) => {
    const concluded = await fires.conclude(tenant, outcome, (fire, timing) =>
      verdictOn(fire, timing, outcome, handlerWaitMs),
    );
    if (concluded === undefined || concluded.verdict.kind === 'ignore') return;
    const { verdict, othersWait } = concluded;
    watch.concluded(tenant, outcome, verdict);
    if ('inMs' in verdict) wakeIn(verdict.inMs);
    if (othersWait) wake();
  };
}
