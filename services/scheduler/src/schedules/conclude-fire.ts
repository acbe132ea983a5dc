import type { JobOutcome } from '@verifywise/contracts';
import type { FireBook } from './books.ts';
import { verdictOn, type Verdict } from './retries.ts';

/** Hears how a fire ended: done, tried again as the schedule says, or waiting for a handler. */
export function createConcludeFire(
  fires: FireBook,
  wake: () => void,
  watch: { concluded(outcome: JobOutcome, verdict: Verdict): void },
): (tenant: string, outcome: JobOutcome) => Promise<void> {
  return async (tenant, outcome) => {
    const verdict = await fires.conclude(tenant, outcome, (fire, timing) => verdictOn(fire, timing, outcome));
    if (verdict === undefined || verdict.kind === 'ignore') return;
    watch.concluded(outcome, verdict);
    // The alarm for the next attempt is set by looking at what comes next.
    if (verdict.kind === 'retry' || verdict.kind === 'wait') wake();
  };
}
