import { randomUUID } from 'node:crypto';
import type { JobOutcome } from '@verifywise/contracts';
import type { Database } from '@verifywise/service-kit';
import { In, type EntityManager } from 'typeorm';
import type { FireBook } from '../schedules/books.ts';
import type { Verdict } from '../schedules/retries.ts';
import type { Fire, Schedule } from '../schedules/schedule.ts';
import { FireTable } from './fire-table.ts';
import { ScheduleTable } from './schedule-table.ts';

const UNFINISHED = "state IN ('due', 'sent', 'failed')";
/** What was heard of a fire meanwhile changes one of these, and then the sender's word counts no more. */
const UNHEARD_SINCE = 'id = $1 AND state = $2 AND attempt = $3 AND waits = $4 AND unanswered = $5';
const LONGEST_ERROR = 2_000;

/** The fires in PostgreSQL: one row per slot. */
export function postgresFires({ source }: Database): FireBook {
  const fires = source.getRepository(FireTable);
  return {
    async add({ id: scheduleId, tenant, generation }) {
      const slot = new Date();
      const id = randomUUID();
      return fires.save({
        ...{
          id,
          tenant,
          scheduleId,
          generation,
          slot,
          state: 'due',
          attempt: 0,
          waits: 0,
          unanswered: 0,
          sendAt: slot,
        },
        ...{ outcome: null, error: null, tookMs: null, finishedAt: null },
      });
    },
    claim: (most, leaseMs) =>
      source.transaction(async (manager) => {
        const claimed = await lockDue(manager, most);
        if (claimed.length === 0) return [];
        const ids = claimed.map(({ id }) => id);
        await manager.query("UPDATE fires SET send_at = now() + $2 * interval '1 ms' WHERE id = ANY($1)", [
          ids,
          leaseMs,
        ]);
        const schedules = await manager.findBy(ScheduleTable, { id: In(claimed.map(({ scheduleId }) => scheduleId)) });
        const byId = new Map(schedules.map((schedule) => [schedule.id, schedule]));
        const pairs = claimed.flatMap((fire) => {
          const schedule = byId.get(fire.scheduleId);
          return schedule === undefined ? [] : [{ fire, schedule }];
        });
        return pairs.sort((one, other) => (one.schedule.timing.priority ?? 0) - (other.schedule.timing.priority ?? 0));
      }),
    async markSent(fire, sendAgainInMs) {
      await source.query(
        `UPDATE fires SET state = 'sent', unanswered = unanswered + 1, send_at = now() + $6 * interval '1 ms' WHERE ${UNHEARD_SINCE}`,
        [...asClaimed(fire), sendAgainInMs],
      );
    },
    async giveBack(fire, inMs) {
      await source.query(`UPDATE fires SET send_at = now() + $6 * interval '1 ms' WHERE ${UNHEARD_SINCE}`, [
        ...asClaimed(fire),
        inMs,
      ]);
    },
    conclude: (tenant, outcome, judge) =>
      source.transaction(async (manager) => {
        // Like everybody else, the schedule first: two that lock in different order wait for each other for ever.
        const schedule = await manager
          .getRepository(ScheduleTable)
          .createQueryBuilder('s')
          .where('s.tenant = :tenant AND s.id = (SELECT f.schedule_id FROM fires f WHERE f.id = :fireId)', {
            tenant,
            fireId: outcome.fireId,
          })
          .setLock('pessimistic_write')
          .getOne();
        if (schedule === null) return undefined;
        const fire = await manager.findOneBy(FireTable, { id: outcome.fireId });
        if (fire === null) return undefined;
        const verdict = judge(fire, schedule.timing);
        if (verdict.kind !== 'ignore') await writeVerdict(manager, fire, schedule, outcome, verdict);
        return verdict;
      }),
    async forgetOlderThan(days) {
      const over = "< now() - $1 * interval '1 day'";
      const [, gone] = await source.query<[unknown, number]>(
        `DELETE FROM fires WHERE id IN (SELECT id FROM fires WHERE finished_at ${over} LIMIT 10000)`,
        [days],
      );
      await source.query(`DELETE FROM schedules WHERE ended_at ${over}`, [days]);
      return gone;
    },
  };
}

function asClaimed(fire: Fire): unknown[] {
  return [fire.id, fire.state, fire.attempt, fire.waits, fire.unanswered];
}

function lockDue(manager: EntityManager, most: number): Promise<Fire[]> {
  return manager
    .getRepository(FireTable)
    .createQueryBuilder('f')
    .where(`f.${UNFINISHED} AND f.send_at <= clock_timestamp()`)
    .andWhere('EXISTS (SELECT 1 FROM schedules s WHERE s.id = f.schedule_id AND NOT s.plugin_disabled)')
    .orderBy('f.sendAt')
    .limit(most)
    .setLock('pessimistic_write')
    .setOnLocked('skip_locked')
    .getMany();
}

async function writeVerdict(
  manager: EntityManager,
  fire: Fire,
  schedule: Schedule,
  outcome: JobOutcome,
  verdict: Exclude<Verdict, { kind: 'ignore' }>,
): Promise<void> {
  const error = outcome.error?.message.slice(0, LONGEST_ERROR) ?? null;
  const over = verdict.kind === 'done' || verdict.kind === 'dead';
  const state = verdict.kind === 'retry' ? 'failed' : verdict.kind === 'wait' ? 'due' : verdict.kind;
  await manager.query(
    `UPDATE fires SET state = $2, attempt = $3, waits = $4, unanswered = 0, outcome = $5, error = $6, took_ms = $7,
       send_at = CASE WHEN $8 THEN send_at ELSE now() + $9 * interval '1 ms' END,
       finished_at = CASE WHEN $8 THEN now() END WHERE id = $1`,
    [
      ...[fire.id, state, 'attempt' in verdict ? verdict.attempt : fire.attempt],
      ...[verdict.kind === 'wait' ? fire.waits + 1 : fire.waits, outcome.outcome, error, Math.round(outcome.tookMs)],
      ...[over, 'inMs' in verdict ? verdict.inMs : 0],
    ],
  );
  // A single run that an admin let go ahead of its time is still to come.
  const last = schedule.nextDue === null && fire.generation === schedule.generation;
  const ended = verdict.kind === 'done' && schedule.timing.once === true && last;
  await manager.query(
    `UPDATE schedules SET last_run = now(), last_outcome = $2, last_error = $3, ended_at = CASE WHEN $4 THEN now() END WHERE id = $1`,
    [schedule.id, verdict.kind === 'dead' ? 'dead' : outcome.outcome, error, ended],
  );
}
