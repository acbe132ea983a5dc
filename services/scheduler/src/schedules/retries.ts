import type { JobOutcome, ScheduleTiming } from '@verifywise/contracts';
import type { Fire } from './schedule.ts';

const DEFAULT_ATTEMPTS = 3;
const DEFAULT_BACKOFF = { type: 'exponential', delay: 1_000 } as const;
/** Nobody means a wait longer than this, however often something was doubled. */
const LONGEST_BACKOFF_MS = 24 * 3_600_000;

/** A plugin registers its handlers while it is being enabled: seconds at first, later as rarely as a minute. */
const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 60_000;

/** What becomes of a fire after its outcome was heard. */
export type Verdict =
  | { kind: 'ignore' }
  | { kind: 'done' }
  | { kind: 'retry'; attempt: number; inMs: number }
  | { kind: 'wait'; inMs: number }
  | { kind: 'dead'; attempt: number };

/** Decides by the outcome, the failures so far and the schedule's `attempts` and `backoff`. Hearing an outcome twice changes nothing. */
export function verdictOn(
  fire: Pick<Fire, 'state' | 'attempt' | 'waits' | 'handlerWaits'>,
  timing: ScheduleTiming,
  outcome: JobOutcome,
  handlerWaitMs: number,
): Verdict {
  if (fire.state === 'done' || fire.state === 'dead') return { kind: 'ignore' };
  // Done is done, also when it was an earlier attempt that is heard of late.
  if (outcome.outcome === 'done') return { kind: 'done' };
  if (outcome.attempt !== fire.attempt) return { kind: 'ignore' };
  if (outcome.outcome === 'failed') {
    const attempt = fire.attempt + 1;
    if (attempt >= (timing.attempts ?? DEFAULT_ATTEMPTS)) return { kind: 'dead', attempt };
    return { kind: 'retry', attempt, inMs: backoffMs(timing, attempt) };
  }
  if (outcome.outcome === 'no-handler' && waitedMs(fire.handlerWaits) >= handlerWaitMs)
    return { kind: 'dead', attempt: fire.attempt };
  return { kind: 'wait', inMs: waitMs(fire.waits) };
}

function waitMs(waits: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** Math.min(waits, 10), LONGEST_WAIT_MS);
}

/** How long so many waits have taken; counted, because a clock may be set meanwhile. */
function waitedMs(waits: number): number {
  let sum = 0;
  for (let wait = 0; wait < waits; wait += 1) sum += waitMs(wait);
  return sum;
}

function backoffMs(timing: ScheduleTiming, failures: number): number {
  const { type, delay } = timing.backoff ?? DEFAULT_BACKOFF;
  return Math.min(type === 'fixed' ? delay : delay * 2 ** (failures - 1), LONGEST_BACKOFF_MS);
}

/** A runner reports a job that hit its limit a moment after the limit. */
const GRACE_MS = 30_000;
/** While no runner lives its queue holds the work, and each sending again adds to it. */
const MOST_DOUBLINGS = 5;

/** How long to wait for an outcome before the fire is sent again. */
export function answerDeadlineMs(limitMs: number, unanswered: number): number {
  return (limitMs + GRACE_MS) * 2 ** Math.min(unanswered, MOST_DOUBLINGS);
}
