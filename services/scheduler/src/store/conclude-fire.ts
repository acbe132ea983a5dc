import type { JobOutcome, ScheduleTiming } from '@verifywise/contracts';
import type { EntityManager } from 'typeorm';
import type { Concluded } from '../schedules/books.ts';
import type { Verdict } from '../schedules/retries.ts';
import type { Fire, Schedule } from '../schedules/schedule.ts';
import { WAITING } from './fire-states.ts';
import { FireTable } from './fire-table.ts';
import { ScheduleTable } from './schedule-table.ts';

const LONGEST_ERROR = 2_000;

/** Writes down what `judge` makes of an outcome. */
export async function concludeFire(
  manager: EntityManager,
  tenant: string,
  outcome: JobOutcome,
  judge: (fire: Fire, timing: ScheduleTiming) => Verdict,
): Promise<Concluded | undefined> {
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
  if (verdict.kind === 'ignore') return { verdict, othersWait: false };
  await writeVerdict(manager, fire, outcome, verdict);
  await writeRun(manager, { schedule, fire, outcome, verdict });
  return { verdict, othersWait: await doOthersWait(manager, fire) };
}

type Written = Exclude<Verdict, { kind: 'ignore' }>;

async function writeVerdict(manager: EntityManager, fire: Fire, outcome: JobOutcome, verdict: Written): Promise<void> {
  const over = isOver(verdict);
  const state = verdict.kind === 'retry' ? 'failed' : verdict.kind === 'wait' ? 'due' : verdict.kind;
  await manager.query(
    `UPDATE fires SET state = $2, attempt = $3, waits = $4, handler_waits = $5, unanswered = 0,
       outcome = $6, error = $7, took_ms = $8,
       send_at = CASE WHEN $9 THEN send_at ELSE clock_now() + $10 * interval '1 ms' END, wait_ms = $10,
       finished_at = CASE WHEN $9 THEN clock_now() END WHERE id = $1`,
    [
      ...[fire.id, state, 'attempt' in verdict ? verdict.attempt : fire.attempt],
      verdict.kind === 'wait' ? fire.waits + 1 : fire.waits,
      verdict.kind === 'wait' && outcome.outcome === 'no-handler' ? fire.handlerWaits + 1 : fire.handlerWaits,
      ...[outcome.outcome, errorOf(outcome), Math.round(outcome.tookMs)],
      ...[over, 'inMs' in verdict ? verdict.inMs : 0],
    ],
  );
}

interface Run {
  schedule: Schedule;
  fire: Fire;
  outcome: JobOutcome;
  verdict: Written;
}

/** What the schedule tells of its last run. */
async function writeRun(manager: EntityManager, { schedule, fire, outcome, verdict }: Run): Promise<void> {
  // A single run that an admin let go ahead of its time is still to come.
  const last = schedule.nextDue === null && fire.generation === schedule.generation;
  const ended = isOver(verdict) && schedule.timing.once === true && last;
  const hasRun = outcome.outcome === 'done' || outcome.outcome === 'failed';
  await manager.query(
    `UPDATE schedules SET last_run = CASE WHEN $2 THEN clock_now() - $3 * interval '1 ms' ELSE last_run END,
       attempts = $4, last_outcome = $5, last_error = $6, ended_at = CASE WHEN $7 THEN clock_now() END WHERE id = $1`,
    [
      ...[schedule.id, hasRun, Math.round(outcome.tookMs)],
      verdict.kind === 'done' ? fire.attempt + 1 : 'attempt' in verdict ? verdict.attempt : fire.attempt,
      ...[verdict.kind === 'dead' ? 'dead' : outcome.outcome, errorOf(outcome), ended],
    ],
  );
}

/** Whether there is now room for something of the same plugin. */
async function doOthersWait(manager: EntityManager, { tenant, pluginId }: Fire): Promise<boolean> {
  const rows = await manager.query<unknown[]>(
    `SELECT 1 FROM fires WHERE tenant = $1 AND plugin_id = $2 AND ${WAITING} AND send_at <= clock_now() LIMIT 1`,
    [tenant, pluginId],
  );
  return rows.length > 0;
}

function isOver({ kind }: Written): boolean {
  return kind === 'done' || kind === 'dead';
}

function errorOf({ schedule, outcome, error }: JobOutcome): string | null {
  if (error !== undefined) return error.message.slice(0, LONGEST_ERROR);
  if (outcome === 'no-handler')
    return `The plugin has no handler for "${schedule}": it calls schedule() for it in onEnable, or cancels it`;
  return outcome === 'not-enabled' ? 'The plugin is not running' : null;
}
