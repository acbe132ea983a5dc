import type { Database } from '@verifywise/service-kit';
import type { FireBook } from '../schedules/books.ts';
import type { Fire } from '../schedules/schedule.ts';
import type { LaneLimits } from '../schedules/share-out.ts';
import { claimFires } from './claim-fires.ts';
import { concludeFire } from './conclude-fire.ts';
import { FireTable } from './fire-table.ts';
import { forgetFires } from './forget-fires.ts';
import { runByHand } from './run-by-hand.ts';

/** What was heard of a fire meanwhile changes one of these, and then the sender's word counts no more. */
const UNHEARD_SINCE = 'id = $1 AND state = $2 AND attempt = $3 AND waits = $4 AND unanswered = $5';

/** The fires in PostgreSQL: one row per slot. */
export function postgresFires({ source }: Database, limits: LaneLimits): FireBook {
  return {
    runNow: (schedule) => source.transaction((manager) => runByHand(manager, schedule)),
    listOf: (scheduleId, most) =>
      source.getRepository(FireTable).find({ where: { scheduleId }, order: { slot: 'DESC' }, take: most }),
    claim: (most, leaseMs) => source.transaction((manager) => claimFires(manager, most, leaseMs, limits)),
    async markSent(fire, sendAgainInMs) {
      await source.query(
        `UPDATE fires SET state = 'sent', unanswered = unanswered + 1, send_at = clock_now() + $6 * interval '1 ms', wait_ms = $6
         WHERE ${UNHEARD_SINCE}`,
        [...asClaimed(fire), sendAgainInMs],
      );
    },
    async giveBack(fire, inMs) {
      await source.query(
        `UPDATE fires SET send_at = clock_now() + $6 * interval '1 ms', wait_ms = $6,
           state = CASE WHEN unanswered > 0 THEN 'sent' WHEN attempt > 0 THEN 'failed' ELSE 'due' END WHERE ${UNHEARD_SINCE}`,
        [...asClaimed(fire), inMs],
      );
    },
    conclude: (tenant, outcome, judge) =>
      source.transaction((manager) => concludeFire(manager, tenant, outcome, judge)),
    forget: (days) => forgetFires(source, days),
  };
}

function asClaimed(fire: Fire): unknown[] {
  return [fire.id, fire.state, fire.attempt, fire.waits, fire.unanswered];
}
