import { randomUUID } from 'node:crypto';
import type { Database } from '@verifywise/service-kit';
import { IsNull, type EntityManager } from 'typeorm';
import type { ScheduleBook, SchedulePlan, Taken } from '../schedules/books.ts';
import type { Fire, Running, Schedule } from '../schedules/schedule.ts';
import type { DueDecision } from '../schedules/slots.ts';
import { FireTable } from './fire-table.ts';
import { ScheduleTable } from './schedule-table.ts';

const UNFINISHED = "state IN ('due', 'sent', 'failed')";
const ACTIVE = 'NOT paused AND NOT plugin_disabled';

/** The schedules in PostgreSQL, which everything else may be lost beside. */
export function postgresSchedules({ source }: Database): ScheduleBook {
  const all = source.getRepository(ScheduleTable);
  return {
    save(tenant, pluginId, name, plan) {
      return source.transaction(async (manager) => {
        await holdPlugin(manager, tenant, pluginId);
        const schedules = manager.getRepository(ScheduleTable);
        const schedule = await schedules.findOne({
          where: { tenant, pluginId, name },
          lock: { mode: 'pessimistic_write' },
        });
        const count = await schedules.countBy({ tenant, pluginId, endedAt: IsNull() });
        const others = schedule === null || schedule.endedAt !== null ? count : count - 1;
        const now = await clock(manager);
        const planned = plan({ schedule: schedule ?? undefined, others, now });
        if (schedule !== null && planned.restart !== undefined && schedule.timing.once === true)
          await manager.query(`DELETE FROM fires WHERE schedule_id = $1 AND ${UNFINISHED}`, [schedule.id]);
        const saved =
          planned.restart === undefined && schedule !== null
            ? { ...schedule, data: planned.data ?? null }
            : restarted(schedule ?? (await blank(manager, tenant, pluginId, name)), planned, now);
        return schedules.save(saved);
      });
    },
    async find(tenant, pluginId, name) {
      return (await all.findOneBy({ tenant, pluginId, name, endedAt: IsNull() })) ?? undefined;
    },
    list: (tenant, pluginId) => all.find({ where: { tenant, pluginId, endedAt: IsNull() }, order: { name: 'ASC' } }),
    async remove(tenant, pluginId, name) {
      const which = name === undefined ? { tenant, pluginId } : { tenant, pluginId, name };
      const { affected } = await all.delete({ ...which, endedAt: IsNull() });
      return affected ?? 0;
    },
    async setPaused(tenant, pluginId, name, paused) {
      await all.update({ tenant, pluginId, name, endedAt: IsNull() }, { paused });
      return this.find(tenant, pluginId, name);
    },
    pluginChanged(tenant, pluginId, change, at) {
      return source.transaction(async (manager) => {
        await holdPlugin(manager, tenant, pluginId);
        if (!(await isNews(manager, tenant, pluginId, change === 'enabled', at))) return;
        if (change === 'uninstalled') {
          await manager.delete(ScheduleTable, { tenant, pluginId });
          return;
        }
        await manager.update(ScheduleTable, { tenant, pluginId }, { pluginDisabled: change === 'disabled' });
        // What waited for its plugin need not wait longer.
        if (change === 'enabled')
          await manager.query(
            `UPDATE fires SET send_at = now() FROM schedules s
             WHERE s.id = schedule_id AND s.tenant = $1 AND s.plugin_id = $2 AND state = 'due' AND waits > 0 AND send_at > now()`,
            [tenant, pluginId],
          );
      });
    },
    takeDue: (most, decide) => source.transaction((manager) => takeDue(manager, most, decide)),
    async nextWakeMs() {
      const [row] = await source.query<{ ms: string | null }[]>(`SELECT 1000 * extract(epoch FROM LEAST(
          (SELECT min(next_due) FROM schedules WHERE next_due IS NOT NULL AND ${ACTIVE}),
          (SELECT min(send_at) FROM fires f JOIN schedules s ON s.id = f.schedule_id
           WHERE ${UNFINISHED} AND NOT s.plugin_disabled)
        ) - clock_timestamp()) AS ms`);
      return row === undefined || row.ms === null ? undefined : Number(row.ms);
    },
  };
}

/**
 * Changes to one plugin's schedules come one after the other, also those that make a new row. The plugin's state is the row that is
 * locked: an advisory lock could be held by whoever may log in to the database, and plugins may.
 */
async function holdPlugin(manager: EntityManager, tenant: string, pluginId: string): Promise<void> {
  const hold = () =>
    manager.query<unknown[]>('SELECT 1 FROM plugin_states WHERE tenant = $1 AND plugin_id = $2 FOR UPDATE', [
      tenant,
      pluginId,
    ]);
  if ((await hold()).length > 0) return;
  // Older than any news: a plugin of which none came yet may run.
  await manager.query(
    `INSERT INTO plugin_states (tenant, plugin_id, enabled, changed_at) VALUES ($1, $2, true, '-infinity') ON CONFLICT DO NOTHING`,
    [tenant, pluginId],
  );
  await hold();
}

async function clock(manager: EntityManager): Promise<Date> {
  const [row] = await manager.query<{ now: Date }[]>('SELECT clock_timestamp() AS now');
  if (row === undefined) throw new Error('PostgreSQL did not say what time it is');
  return row.now;
}

async function blank(manager: EntityManager, tenant: string, pluginId: string, name: string): Promise<Schedule> {
  const [state] = await manager.query<{ enabled: boolean }[]>(
    'SELECT enabled FROM plugin_states WHERE tenant = $1 AND plugin_id = $2',
    [tenant, pluginId],
  );
  return {
    ...{ id: randomUUID(), tenant, pluginId, name, timing: {}, data: null, generation: 0 },
    ...{ firstDue: new Date(0), nextDue: null, paused: false, pluginDisabled: state?.enabled === false },
    ...{ fired: 0, skipped: 0, lastRun: null, lastOutcome: null, lastError: null, endedAt: null },
  };
}

function restarted(schedule: Schedule, { timing, data, restart }: SchedulePlan, now: Date): Schedule {
  const firstDue = restart?.firstDue ?? now;
  return {
    ...{ ...schedule, timing, data: data ?? null, firstDue, nextDue: firstDue },
    ...{ generation: schedule.generation + 1, fired: 0, skipped: 0, endedAt: null },
  };
}

async function isNews(
  manager: EntityManager,
  tenant: string,
  pluginId: string,
  enabled: boolean,
  at: Date,
): Promise<boolean> {
  const rows = await manager.query<unknown[]>(
    `INSERT INTO plugin_states AS known (tenant, plugin_id, enabled, changed_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant, plugin_id) DO UPDATE SET enabled = EXCLUDED.enabled, changed_at = EXCLUDED.changed_at
     WHERE known.changed_at <= EXCLUDED.changed_at RETURNING enabled`,
    [tenant, pluginId, enabled, at],
  );
  return rows.length > 0;
}

async function takeDue(
  manager: EntityManager,
  most: number,
  decide: (schedule: Schedule, now: Date, running: Running) => DueDecision,
): Promise<Taken> {
  const due = await manager
    .getRepository(ScheduleTable)
    .createQueryBuilder('s')
    .where(`s.next_due <= clock_timestamp() AND NOT s.paused AND NOT s.plugin_disabled`)
    .orderBy('s.nextDue')
    .limit(most)
    .setLock('pessimistic_write')
    .setOnLocked('skip_locked')
    .getMany();
  if (due.length === 0) return { schedules: 0, lateMs: [] };
  const now = await clock(manager);
  const running = await runningOf(manager, due);
  const fires: Partial<Fire>[] = [];
  for (const schedule of due) {
    const { fire, skipped, nextDue } = decide(schedule, now, running.get(schedule.id) ?? 'no');
    const { id: scheduleId, tenant, generation } = schedule;
    fires.push(
      ...fire.map((slot) => ({
        id: randomUUID(),
        tenant,
        scheduleId,
        generation,
        slot,
        state: 'due' as const,
        sendAt: now,
      })),
    );
    schedule.nextDue = nextDue;
    schedule.fired += fire.length;
    schedule.skipped += skipped;
  }
  // The unique slot is what makes it once, should two ever get here with the same one.
  if (fires.length > 0) await manager.createQueryBuilder().insert().into(FireTable).values(fires).orIgnore().execute();
  await moveOn(manager, due);
  return { schedules: due.length, lateMs: fires.map(({ slot }) => now.getTime() - Number(slot)) };
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
