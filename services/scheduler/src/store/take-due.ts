import { randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import type { Taken } from '../schedules/books.ts';
import type { Running, Schedule } from '../schedules/schedule.ts';
import type { DueDecision } from '../schedules/slots.ts';
import { clockNow } from './clock.ts';
import { UNFINISHED } from './fire-states.ts';
import { ScheduleTable } from './schedule-table.ts';

const ACTIVE = 'NOT paused AND NOT plugin_disabled';
const DUE = `next_due <= clock_now() AND next_due IS NOT NULL AND ${ACTIVE}`;

type Decide = (schedule: Schedule, now: Date, running: Running) => DueDecision;

/** Holds what is due, writes the fires of its slots down and moves it on, all or nothing. */
export async function takeDue(manager: EntityManager, most: number, decide: Decide): Promise<Taken> {
  const ids = await dueIds(manager, most);
  if (ids.length === 0) return { schedules: 0, lateMs: [] };
  const due = await manager
    .getRepository(ScheduleTable)
    .createQueryBuilder('s')
    .where('s.id = ANY(:ids) AND s.next_due <= clock_now() AND NOT s.paused AND NOT s.plugin_disabled', { ids })
    .setLock('pessimistic_write')
    .setOnLocked('skip_locked')
    .getMany();
  const now = await clockNow(manager);
  const running = await runningOf(manager, due);
  const slots: Slot[] = [];
  for (const schedule of due) {
    const { fire, skipped, nextDue } = decide(schedule, now, running.get(schedule.id) ?? 'no');
    slots.push(...fire.map((slot) => ({ schedule, slot })));
    schedule.nextDue = nextDue;
    schedule.skipped += skipped;
  }
  const written = await writeDown(manager, slots, now);
  for (const schedule of due) schedule.fired += written.filter(({ scheduleId }) => scheduleId === schedule.id).length;
  await moveOn(manager, due);
  return { schedules: ids.length, lateMs: written.map(({ slot }) => now.getTime() - slot.getTime()) };
}

/** The earliest; when there are more than we take, those of each tenant in turn. */
async function dueIds(manager: EntityManager, most: number): Promise<string[]> {
  const earliest = await idsOf(manager, `SELECT id FROM schedules WHERE ${DUE} ORDER BY next_due LIMIT $1`, most + 1);
  if (earliest.length <= most) return earliest;
  return idsOf(
    manager,
    `WITH RECURSIVE leap AS (
       (SELECT tenant FROM schedules WHERE next_due IS NOT NULL AND ${ACTIVE} ORDER BY tenant LIMIT 1)
       UNION ALL
       SELECT n.tenant FROM leap CROSS JOIN LATERAL (
         SELECT tenant FROM schedules
         WHERE next_due IS NOT NULL AND ${ACTIVE} AND tenant > leap.tenant ORDER BY tenant LIMIT 1) n
     )
     SELECT id FROM leap CROSS JOIN LATERAL (
       SELECT id, next_due, row_number() OVER (ORDER BY next_due) AS turn FROM (
         SELECT id, next_due FROM schedules s WHERE s.tenant = leap.tenant AND ${DUE} ORDER BY next_due LIMIT $1) few) turns
     ORDER BY turn, next_due LIMIT $1`,
    most,
  );
}

async function idsOf(manager: EntityManager, query: string, most: number): Promise<string[]> {
  return (await manager.query<{ id: string }[]>(query, [most])).map(({ id }) => id);
}

interface Slot {
  schedule: Schedule;
  slot: Date;
}

/** The unique slot is what makes it once, should a slot ever come a second time: those that were there are left out. */
async function writeDown(
  manager: EntityManager,
  slots: Slot[],
  now: Date,
): Promise<{ scheduleId: string; slot: Date }[]> {
  if (slots.length === 0) return [];
  const rows = await manager.query<{ schedule_id: string; slot: Date }[]>(
    `INSERT INTO fires (id, tenant, plugin_id, schedule_id, generation, slot, state, priority, may_overlap, send_at)
     SELECT new.id, s.tenant, s.plugin_id, s.id, s.generation, new.slot, 'due',
       coalesce((s.timing->>'priority')::integer, 0), coalesce(s.timing->>'overlap' = 'allow', false), $4
     FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS new (id, schedule_id, slot)
     JOIN schedules s ON s.id = new.schedule_id ON CONFLICT DO NOTHING RETURNING schedule_id, slot`,
    [slots.map(() => randomUUID()), slots.map(({ schedule }) => schedule.id), slots.map(({ slot }) => slot), now],
  );
  return rows.map(({ schedule_id: scheduleId, slot }) => ({ scheduleId, slot }));
}

/** One statement for all of them, because a hundred round trips hold a hundred locks for long. */
async function moveOn(manager: EntityManager, schedules: Schedule[]): Promise<void> {
  await manager.query(
    `UPDATE schedules s SET next_due = m.next_due, fired = m.fired, skipped = m.skipped
     FROM unnest($1::uuid[], $2::timestamptz[], $3::integer[], $4::integer[]) AS m (id, next_due, fired, skipped) WHERE s.id = m.id`,
    [
      schedules.map(({ id }) => id),
      schedules.map(({ nextDue }) => nextDue),
      schedules.map(({ fired }) => fired),
      schedules.map(({ skipped }) => skipped),
    ],
  );
}

async function runningOf(manager: EntityManager, schedules: Schedule[]): Promise<Map<string, Running>> {
  const rows = await manager.query<{ id: string; waiting: boolean }[]>(
    `SELECT schedule_id AS id, bool_or(state = 'due' AND waits > 0) AS waiting FROM fires
     WHERE schedule_id = ANY($1) AND ${UNFINISHED} GROUP BY schedule_id`,
    [schedules.map(({ id }) => id)],
  );
  return new Map(rows.map(({ id, waiting }) => [id, waiting ? 'waiting-for-plugin' : 'yes']));
}
