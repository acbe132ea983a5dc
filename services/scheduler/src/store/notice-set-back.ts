import type { DataSource, EntityManager } from 'typeorm';
import type { Schedule } from '../schedules/schedule.ts';
import { UNFINISHED } from './fire-states.ts';
import { ScheduleTable } from './schedule-table.ts';

const AT_ONCE = 500;

type Sooner = (schedule: Schedule, now: Date) => Date | undefined;

/**
 * A clock that went ahead and was set back leaves times behind that are far away now. Slots that fired are written down, so those that
 * come a second time pass without firing.
 */
export async function noticeSetBack(source: DataSource, sooner: Sooner): Promise<boolean> {
  const noticed = await source.transaction(async (manager) => {
    const [clock] = await manager.query<{ now: Date; set_back: boolean }[]>(
      "SELECT clock_now() AS now, clock_now() < latest - interval '1 second' AS set_back FROM clock FOR UPDATE",
    );
    if (clock === undefined) throw new Error('The row of the clock is missing');
    if (clock.set_back) await bringForward(manager, clock.now, sooner);
    await manager.query('UPDATE clock SET latest = clock_now()');
    return clock.set_back;
  });
  // On its own, because whoever writes fires locks schedules before them.
  if (noticed)
    await source.query(
      `UPDATE fires SET send_at = clock_now() + coalesce(wait_ms, 0) * interval '1 ms' WHERE id IN (
         SELECT id FROM fires WHERE ${UNFINISHED} AND send_at > clock_now() + coalesce(wait_ms, 0) * interval '1 ms'
         FOR UPDATE SKIP LOCKED)`,
    );
  return noticed;
}

async function bringForward(manager: EntityManager, now: Date, sooner: Sooner): Promise<void> {
  for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
    const page = await manager
      .getRepository(ScheduleTable)
      .createQueryBuilder('s')
      .where('s.next_due > :now AND s.id > :after', { now, after })
      .orderBy('s.id')
      .limit(AT_ONCE)
      .setLock('pessimistic_write')
      .getMany();
    const changed = page.flatMap((schedule) => {
      const next = sooner(schedule, now);
      return next === undefined ? [] : [{ id: schedule.id, next }];
    });
    await manager.query(
      `UPDATE schedules s SET next_due = m.next_due FROM unnest($1::uuid[], $2::timestamptz[]) AS m (id, next_due)
       WHERE s.id = m.id`,
      [changed.map(({ id }) => id), changed.map(({ next }) => next)],
    );
    const last = page.at(-1);
    if (last === undefined || page.length < AT_ONCE) return;
    after = last.id;
  }
}
