import type { DataSource, EntityManager } from 'typeorm';

/** A short transaction each, so that nobody waits for it. */
const AT_ONCE = 10_000;
/** Of a schedule that runs every second a week would be 600 000. */
const NEWEST_KEPT = 1_000;

/** Removes what was over before so many days, and of each schedule all but its newest fires; answers how many fires went. */
export async function forgetFires(source: DataSource, days: number): Promise<number> {
  const old = "< clock_now() - $1 * interval '1 day'";
  const gone = [
    await untilNoneIsLeft(
      source,
      `DELETE FROM fires WHERE id IN (SELECT id FROM fires WHERE finished_at ${old} LIMIT ${AT_ONCE})`,
      [days],
    ),
    await untilNoneIsLeft(
      source,
      `DELETE FROM fires WHERE id IN (
         SELECT f.id FROM schedules s CROSS JOIN LATERAL (
           SELECT slot FROM fires WHERE schedule_id = s.id ORDER BY slot DESC OFFSET ${NEWEST_KEPT} LIMIT 1) edge
         JOIN fires f ON f.schedule_id = s.id AND f.slot <= edge.slot AND f.finished_at IS NOT NULL
         WHERE s.fired + s.by_hand > ${NEWEST_KEPT} LIMIT ${AT_ONCE})`,
      [],
    ),
  ];
  await source.query(`DELETE FROM schedules WHERE ended_at ${old}`, [days]);
  await source.transaction((manager) => forgetPlugins(manager, days));
  return gone.reduce((sum, count) => sum + count, 0);
}

async function untilNoneIsLeft(source: DataSource, statement: string, params: unknown[]): Promise<number> {
  for (let gone = 0; ;) {
    const [, count] = await source.query<[unknown[], number]>(statement, params);
    gone += count;
    if (count < AT_ONCE) return gone;
  }
}

const WITHOUT_SCHEDULES =
  'NOT EXISTS (SELECT 1 FROM schedules s WHERE s.tenant = p.tenant AND s.plugin_id = p.plugin_id)';

/** A plugin without schedules begins anew, and late news of it are not as late as this. Held first: it may be getting a schedule. */
async function forgetPlugins(manager: EntityManager, days: number): Promise<void> {
  const held = await manager.query<{ tenant: string; plugin_id: string }[]>(
    `SELECT tenant, plugin_id FROM plugin_states p WHERE changed_at < clock_now() - $1 * interval '1 day'
       AND ${WITHOUT_SCHEDULES} LIMIT ${AT_ONCE} FOR UPDATE SKIP LOCKED`,
    [days],
  );
  await manager.query(
    `DELETE FROM plugin_states p WHERE (tenant, plugin_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
       AND ${WITHOUT_SCHEDULES}`,
    [held.map(({ tenant }) => tenant), held.map(({ plugin_id }) => plugin_id)],
  );
}
