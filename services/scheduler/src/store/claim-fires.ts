import { In, type EntityManager } from 'typeorm';
import type { ClaimedFire } from '../schedules/books.ts';
import { shareOut, type Lane, type LaneLimits, type Share } from '../schedules/share-out.ts';
import { UNDER_WAY, UNFINISHED, WAITING } from './fire-states.ts';
import { FireTable } from './fire-table.ts';
import { ScheduleTable } from './schedule-table.ts';

/** A fire `f` of a schedule `s` that may be sent now. Runs that may not overlap go one after the other, the oldest first. */
const READY = `f.${WAITING} AND f.send_at <= clock_now() AND (f.by_hand OR NOT s.paused) AND NOT s.plugin_disabled
  AND (f.may_overlap OR NOT EXISTS (
    SELECT 1 FROM fires o WHERE o.schedule_id = f.schedule_id AND o.${UNFINISHED} AND o.slot < f.slot))`;
const OF_LANE = 'f.tenant = lane.tenant AND f.plugin_id = lane.plugin_id';

/** What is sent again because nothing was heard of it; its lane has room for it already. */
const MOST_SENT_AGAIN = 100;

/** Takes fires for a sender: those whose time without an answer is over, and those that wait, shared out fairly. */
export async function claimFires(
  manager: EntityManager,
  most: number,
  leaseMs: number,
  limits: LaneLimits,
): Promise<ClaimedFire[]> {
  const again = await takeUnanswered(manager, leaseMs);
  const waiting = await takeWaiting(manager, shareOut(await lanes(manager, limits), limits, most), leaseMs, limits);
  return withSchedules(manager, [...again, ...waiting]);
}

async function takeUnanswered(manager: EntityManager, leaseMs: number): Promise<string[]> {
  const [rows] = await manager.query<[{ id: string }[], number]>(
    `UPDATE fires SET state = 'sending', send_at = clock_now() + $1 * interval '1 ms', wait_ms = $1 WHERE id IN (
       SELECT f.id FROM fires f JOIN schedules s ON s.id = f.schedule_id
       WHERE f.${UNDER_WAY} AND f.send_at <= clock_now() AND NOT s.plugin_disabled
       ORDER BY f.send_at LIMIT ${MOST_SENT_AGAIN} FOR UPDATE OF f SKIP LOCKED) RETURNING id`,
    [leaseMs],
  );
  return rows.map(({ id }) => id);
}

/** Every lane with something in it. Lanes are found by leaping from one to the next in the index, however full they are. */
async function lanes(manager: EntityManager, { perPlugin }: LaneLimits): Promise<Lane[]> {
  const rows = await manager.query<Record<'tenant' | 'plugin_id' | 'waiting' | 'under_way' | 'served_at', string>[]>(
    `WITH RECURSIVE leap AS (
       (SELECT tenant, plugin_id FROM fires WHERE ${WAITING} ORDER BY tenant, plugin_id LIMIT 1)
       UNION ALL
       SELECT n.tenant, n.plugin_id FROM leap CROSS JOIN LATERAL (
         SELECT tenant, plugin_id FROM fires
         WHERE ${WAITING} AND (tenant, plugin_id) > (leap.tenant, leap.plugin_id) ORDER BY tenant, plugin_id LIMIT 1) n
     ), busy AS (
       SELECT tenant, plugin_id, count(*) AS under_way FROM fires WHERE ${UNDER_WAY} GROUP BY tenant, plugin_id
     ), lane AS (
       SELECT tenant, plugin_id, coalesce(under_way, 0) AS under_way FROM leap FULL JOIN busy USING (tenant, plugin_id)
     )
     SELECT lane.*, waiting, extract(epoch FROM served_at) AS served_at
     FROM lane JOIN plugin_states USING (tenant, plugin_id) CROSS JOIN LATERAL (
       SELECT count(*) AS waiting FROM (
         SELECT 1 FROM fires f JOIN schedules s ON s.id = f.schedule_id
         WHERE ${OF_LANE} AND lane.under_way < $1 AND ${READY} LIMIT $1) ready) counted`,
    [perPlugin],
  );
  return rows.map(({ tenant, plugin_id: pluginId, waiting, under_way: underWay, served_at: servedAt }) => ({
    ...{ tenant, pluginId, waiting: Number(waiting), underWay: Number(underWay), servedAt: Number(servedAt) },
  }));
}

/** Whoever holds the row of a lane is the only one who sends from it, so its limit holds however many schedulers there are. */
async function takeWaiting(
  manager: EntityManager,
  shares: Share[],
  leaseMs: number,
  { perPlugin }: LaneLimits,
): Promise<string[]> {
  if (shares.length === 0) return [];
  const held = await manager.query<{ tenant: string; plugin_id: string }[]>(
    `SELECT tenant, plugin_id FROM plugin_states
     WHERE (tenant, plugin_id) IN (SELECT * FROM unnest($1::text[], $2::text[])) FOR UPDATE SKIP LOCKED`,
    [shares.map(({ lane }) => lane.tenant), shares.map(({ lane }) => lane.pluginId)],
  );
  const ours = shares.filter(({ lane }) =>
    held.some(({ tenant, plugin_id }) => tenant === lane.tenant && plugin_id === lane.pluginId),
  );
  const wanted = [
    ours.map(({ lane }) => lane.tenant),
    ours.map(({ lane }) => lane.pluginId),
    ours.map(({ fires }) => fires),
  ];
  const [rows] = await manager.query<[{ id: string }[], number]>(
    `UPDATE fires SET state = 'sending', send_at = clock_now() + $4 * interval '1 ms', wait_ms = $4
     FROM unnest($1::text[], $2::text[], $3::integer[]) AS lane (tenant, plugin_id, fires) CROSS JOIN LATERAL (
       SELECT f.id FROM fires f JOIN schedules s ON s.id = f.schedule_id WHERE ${OF_LANE} AND ${READY}
       ORDER BY f.priority, f.send_at
       LIMIT greatest(0, least(lane.fires, $5 - (SELECT count(*) FROM fires f WHERE ${OF_LANE} AND f.${UNDER_WAY})))) ready
     WHERE fires.id = ready.id AND fires.${WAITING} RETURNING fires.id`,
    [...wanted, leaseMs, perPlugin],
  );
  await manager.query(
    `UPDATE plugin_states SET served_at = clock_now()
     WHERE (tenant, plugin_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    wanted.slice(0, 2),
  );
  return rows.map(({ id }) => id);
}

async function withSchedules(manager: EntityManager, ids: string[]): Promise<ClaimedFire[]> {
  if (ids.length === 0) return [];
  const fires = await manager.findBy(FireTable, { id: In(ids) });
  const schedules = await manager.findBy(ScheduleTable, { id: In(fires.map(({ scheduleId }) => scheduleId)) });
  const byId = new Map(schedules.map((schedule) => [schedule.id, schedule]));
  const claimed = fires.flatMap((fire) => {
    const schedule = byId.get(fire.scheduleId);
    return schedule === undefined ? [] : [{ fire, schedule }];
  });
  return claimed.sort((one, other) => one.fire.priority - other.fire.priority);
}
