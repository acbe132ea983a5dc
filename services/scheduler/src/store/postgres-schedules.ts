import { randomUUID } from 'node:crypto';
import type { Database } from '@verifywise/service-kit';
import { IsNull, type EntityManager, type FindOptionsWhere } from 'typeorm';
import type { ScheduleBook, SchedulePlan } from '../schedules/books.ts';
import type { Schedule } from '../schedules/schedule.ts';
import { clockNow } from './clock.ts';
import { UNDER_WAY, UNFINISHED, WAITING } from './fire-states.ts';
import { noticeSetBack } from './notice-set-back.ts';
import { holdPlugin, isPluginEnabled, keepNews } from './plugin-states.ts';
import { ScheduleTable } from './schedule-table.ts';
import { takeDue } from './take-due.ts';

const ACTIVE = 'NOT paused AND NOT plugin_disabled';
/** A single run that was done is kept for the record only; one that failed for good is still to be looked at. */
const LISTED: FindOptionsWhere<Schedule>[] = [{ endedAt: IsNull() }, { lastOutcome: 'dead' }];

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
        const now = await clockNow(manager);
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
      return (await all.findOneBy(LISTED.map((one) => ({ ...one, tenant, pluginId, name })))) ?? undefined;
    },
    list: (tenant, pluginId) =>
      all.find({ where: LISTED.map((one) => ({ ...one, tenant, pluginId })), order: { name: 'ASC' } }),
    remove(tenant, pluginId, name) {
      const which = name === undefined ? { tenant, pluginId } : { tenant, pluginId, name };
      return source.transaction(async (manager) => {
        await holdPlugin(manager, tenant, pluginId);
        const listed = await manager.findBy(
          ScheduleTable,
          LISTED.map((one) => ({ ...one, ...which })),
        );
        if (listed.length > 0)
          await manager.delete(
            ScheduleTable,
            listed.map(({ id }) => id),
          );
        return listed.length;
      });
    },
    async setPaused(tenant, pluginId, name, paused) {
      const schedule = await this.find(tenant, pluginId, name);
      if (schedule !== undefined) await all.update({ id: schedule.id }, { paused });
      return this.find(tenant, pluginId, name);
    },
    pluginChanged(tenant, pluginId, news) {
      return source.transaction(async (manager) => {
        await holdPlugin(manager, tenant, pluginId);
        if (!(await keepNews(manager, tenant, pluginId, news))) return;
        if (news.change === 'uninstalled') {
          await manager.delete(ScheduleTable, { tenant, pluginId });
          return;
        }
        await manager.update(ScheduleTable, { tenant, pluginId }, { pluginDisabled: news.change === 'disabled' });
        // What waited for its plugin need not wait longer.
        if (news.change === 'enabled')
          await manager.query(
            `UPDATE fires SET send_at = clock_now() WHERE tenant = $1 AND plugin_id = $2 AND ${WAITING}
               AND state = 'due' AND waits > 0 AND send_at > clock_now()`,
            [tenant, pluginId],
          );
      });
    },
    async pluginsAfter({ tenant, pluginId }, limit) {
      const rows = await source.query<{ tenant: string; plugin_id: string; enabled: boolean; generation: string }[]>(
        `SELECT p.tenant, p.plugin_id, p.enabled, p.generation FROM plugin_states p
         WHERE (p.tenant, p.plugin_id) > ($1, $2)
           AND EXISTS (SELECT 1 FROM schedules s WHERE s.tenant = p.tenant AND s.plugin_id = p.plugin_id)
         ORDER BY p.tenant, p.plugin_id LIMIT $3`,
        [tenant, pluginId, limit],
      );
      return rows.map((row) => ({
        ...{ tenant: row.tenant, pluginId: row.plugin_id, enabled: row.enabled, generation: Number(row.generation) },
      }));
    },
    noticeSetBack: (sooner) => noticeSetBack(source, sooner),
    takeDue: (most, decide) => source.transaction((manager) => takeDue(manager, most, decide)),
    async nextWakeMs() {
      // What could be sent already waits for room, which is made by an outcome that is heard.
      const [row] = await source.query<{ ms: string | null }[]>(`SELECT 1000 * extract(epoch FROM LEAST(
          (SELECT min(next_due) FROM schedules WHERE next_due IS NOT NULL AND ${ACTIVE}),
          (SELECT min(send_at) FROM fires WHERE ${WAITING} AND send_at > clock_now()),
          (SELECT send_at FROM fires f JOIN schedules s ON s.id = f.schedule_id
           WHERE f.${UNDER_WAY} AND NOT s.plugin_disabled ORDER BY send_at LIMIT 1)
        ) - clock_now()) AS ms`);
      return row === undefined || row.ms === null ? undefined : Number(row.ms);
    },
  };
}

async function blank(manager: EntityManager, tenant: string, pluginId: string, name: string): Promise<Schedule> {
  const pluginDisabled = !(await isPluginEnabled(manager, tenant, pluginId));
  return {
    ...{ id: randomUUID(), tenant, pluginId, name, timing: {}, data: null, generation: 0 },
    ...{ firstDue: new Date(0), nextDue: null, paused: false, pluginDisabled },
    ...{
      fired: 0,
      byHand: 0,
      skipped: 0,
      lastRun: null,
      attempts: 0,
      lastOutcome: null,
      lastError: null,
      endedAt: null,
    },
  };
}

function restarted(schedule: Schedule, { timing, data, restart }: SchedulePlan, now: Date): Schedule {
  const firstDue = restart?.firstDue ?? now;
  return {
    ...{ ...schedule, timing, data: data ?? null, firstDue, nextDue: firstDue },
    ...{ generation: schedule.generation + 1, fired: 0, byHand: 0, skipped: 0, endedAt: null },
  };
}
