import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { partitionOf } from '@verifywise/contracts';
import { eventually } from '../../../test/support/eventually.ts';
import { finish, PLUGIN, runsOf, SchedulerRoom } from './testing/scheduler-room.ts';

let room: SchedulerRoom;

beforeAll(async () => {
  room = await SchedulerRoom.open(7);
  // The first one makes the tables.
  await (await room.scheduler()).stop();
}, 60_000);
afterEach(() => room.clear(), 60_000);
afterAll(() => room.close(), 60_000);

interface Due {
  tenant: string;
  count: number;
  plugins?: number;
  agoMs: number;
  timing?: Record<string, unknown>;
}

/** Schedules whose slot came so long ago. */
async function haveDue({ tenant, count, plugins = 1, agoMs, timing = { once: true } }: Due): Promise<void> {
  await room.sql.query(
    `INSERT INTO scheduler.plugin_states (tenant, plugin_id, enabled, changed_at)
     SELECT $1, $2 || n, true, '-infinity' FROM generate_series(0, $3 - 1) n`,
    [tenant, PLUGIN, plugins],
  );
  await room.sql.query(
    `INSERT INTO scheduler.schedules (id, tenant, plugin_id, name, timing, generation, first_due, next_due)
     SELECT gen_random_uuid(), $1, $2 || n % $3, 'job ' || n, $4, 1, due, due
     FROM generate_series(0, $5 - 1) n, LATERAL (SELECT now() - $6 * interval '1 ms' AS due) d`,
    [tenant, PLUGIN, plugins, timing, count, agoMs],
  );
}

/** Another tenant of the same partition, whose work goes through the same queue. */
function neighbourOf(tenant: string): string {
  for (let number = 0; ; number += 1)
    if (partitionOf(`neighbour${number}`) === partitionOf(tenant)) return `neighbour${number}`;
}
const NEIGHBOUR = neighbourOf('acme');

async function underWay(tenant: string): Promise<number> {
  const [row] = await room.rows<{ count: number }>(
    "SELECT count(*)::integer AS count FROM scheduler.fires WHERE tenant = $1 AND state IN ('sending', 'sent')",
    [tenant],
  );
  return row?.count ?? 0;
}

describe('the due jobs of one tenant', () => {
  test('go in turn with those of others, even if 10 000 of them were due before', async () => {
    await haveDue({ tenant: 'acme', count: 10_000, plugins: 10, agoMs: 5_000 });
    await haveDue({ tenant: NEIGHBOUR, count: 3, agoMs: 0 });
    const runner = await room.runner('acme', () => 'done');
    await room.scheduler();
    await room.scheduler();
    const tenants = () => runner.received.map(({ tenant }) => tenant);
    await eventually(() => expect(tenants().filter((tenant) => tenant === NEIGHBOUR)).toHaveLength(3));
    // Behind some that were sent while it was written down, and not behind the thousands that were due before.
    expect(tenants().lastIndexOf(NEIGHBOUR)).toBeLessThan(300);
    await eventually(() => expect(runner.received.length).toBeGreaterThan(100));
    expect(new Set(runsOf(runner).map(({ fireId }) => fireId)).size).toBe(runner.received.length);
  }, 60_000);

  test('leave room for those of others while they do not end', async () => {
    await haveDue({ tenant: 'acme', count: 40, plugins: 4, agoMs: 5_000 });
    const ends = new Set([NEIGHBOUR]);
    const runner = await room.runner('acme', () => 'silent');
    await room.scheduler({ JOB_RUNS_PER_PLUGIN: '3', JOB_RUNS_PER_TENANT: '8' });
    await room.scheduler({ JOB_RUNS_PER_PLUGIN: '3', JOB_RUNS_PER_TENANT: '8' });
    await eventually(() => expect(runner.received.length).toBeGreaterThanOrEqual(8));
    await haveDue({ tenant: NEIGHBOUR, count: 1, agoMs: 0 });
    await eventually(() => expect(runner.received.some(({ tenant }) => ends.has(tenant ?? ''))).toBe(true));
    const perPlugin = await room.rows<{ count: number }>(
      "SELECT count(*)::integer AS count FROM scheduler.fires WHERE tenant = 'acme' AND state IN ('sending', 'sent') GROUP BY plugin_id",
    );
    for (const { count } of perPlugin) expect(count).toBeLessThanOrEqual(3);
  }, 60_000);

  test('run so many at a time of one plugin, the next one as soon as one has ended', async () => {
    await haveDue({ tenant: 'acme', count: 20, agoMs: 5_000 });
    const runner = await room.runner('acme', () => 'silent');
    await room.scheduler({ JOB_RUNS_PER_PLUGIN: '2' });
    await room.scheduler({ JOB_RUNS_PER_PLUGIN: '2' });
    for (let ended = 0; ended < 6; ended += 1) {
      await eventually(() => expect(runner.received.length).toBe(ended + 2));
      expect(await underWay('acme')).toBe(2);
      const run = runsOf(runner)[ended];
      if (run) await finish(runner.broker, 'acme', run, 'done');
    }
  }, 60_000);

  test('go by priority within a plugin', async () => {
    for (const priority of [5, 1, 3]) await haveDueIn(priority);
    const runner = await room.runner('acme', () => 'done');
    await room.scheduler({ JOB_RUNS_PER_PLUGIN: '1' });
    await eventually(() => expect(runsOf(runner).map(({ schedule }) => schedule)).toEqual(['p1', 'p3', 'p5']));
  }, 60_000);
});

/** A fire that is written down already. */
async function haveDueIn(priority: number): Promise<void> {
  await room.sql.query(
    `INSERT INTO scheduler.plugin_states (tenant, plugin_id, enabled, changed_at) VALUES ('acme', $1, true, '-infinity') ON CONFLICT DO NOTHING`,
    [PLUGIN],
  );
  await room.sql.query(
    `WITH s AS (
       INSERT INTO scheduler.schedules (id, tenant, plugin_id, name, timing, generation, first_due)
       VALUES (gen_random_uuid(), 'acme', $1, $2, '{"once": true}', 1, now()) RETURNING *)
     INSERT INTO scheduler.fires (id, tenant, plugin_id, schedule_id, generation, slot, state, priority, send_at)
     SELECT gen_random_uuid(), tenant, plugin_id, id, 1, now(), 'due', $3, now() FROM s`,
    [PLUGIN, `p${priority}`, priority],
  );
}

describe('the slots of one schedule', () => {
  test('that came while nobody looked fire each, one after the other', async () => {
    const runner = await room.runner('acme', () => 'silent');
    await room.scheduler();
    await haveDue({ tenant: 'acme', count: 1, agoMs: 3_500, timing: { every: 1_000 } });
    for (let count = 1; count <= 4; count += 1) {
      await eventually(() => expect(runner.received).toHaveLength(count));
      expect(await underWay('acme')).toBe(1);
      const run = runsOf(runner)[count - 1];
      if (run) await finish(runner.broker, 'acme', run, 'done');
    }
    const times = runsOf(runner).map(({ dueAt }) => Date.parse(dueAt));
    for (const [index, time] of times.entries()) if (index > 0) expect(time - (times[index - 1] ?? 0)).toBe(1_000);
  }, 60_000);
});

describe('when the clock is set', () => {
  /** All schedulers go by this clock from now on. */
  async function setClock(ahead: string): Promise<void> {
    await room.sql.query(
      `CREATE OR REPLACE FUNCTION scheduler.clock_now() RETURNS timestamptz LANGUAGE sql STABLE AS
       $$ SELECT clock_timestamp() + interval '${ahead}' $$`,
    );
  }
  const nextRun = async () => Date.parse((await room.list('acme'))[0]?.nextRun ?? '');

  test('ahead and back, no slot fires twice, none is missed twice, and nobody waits for the wrong time', async () => {
    room.onClear(() => setClock('0'));
    const runner = await room.runner('acme', () => 'done');
    await room.scheduler();
    await room.scheduler();
    await room.schedule('acme', 'hourly', { cron: '0 * * * *' });
    const before = await nextRun();
    expect(runner.received).toEqual([]);

    await setClock('3 days');
    await eventually(() => expect(runner.received).toHaveLength(1));
    await eventually(async () => expect(await nextRun()).toBeGreaterThan(before + 2 * 86_400_000));
    // What is scheduled by the wrong clock.
    await room.schedule('acme', 'also hourly', { every: 3_600_000 });

    // A scheduler has looked at it, as one does at every sweep.
    await eventually(async () =>
      expect(
        await room.rows("SELECT 1 FROM scheduler.clock WHERE latest > clock_timestamp() + interval '2 days'"),
      ).toHaveLength(1),
    );
    await setClock('0');
    await eventually(async () => {
      const next = (await room.list('acme')).map(({ nextRun: time }) => Date.parse(time ?? ''));
      expect(next).toHaveLength(2);
      for (const time of next) expect(time).toBeLessThanOrEqual(Date.now() + 3_601_000);
    });
    // Slots that come a second time pass without firing.
    await room.sql.query(
      "UPDATE scheduler.schedules SET next_due = (SELECT slot FROM scheduler.fires) WHERE name = 'hourly'",
    );
    await setClock('3 days');
    await eventually(async () => expect(await nextRun()).toBeGreaterThan(before + 2 * 86_400_000));
    const slots = runsOf(runner).map(({ schedule, dueAt }) => `${schedule} ${dueAt}`);
    expect(new Set(slots).size).toBe(slots.length);
  }, 60_000);
});

test('runs that are long over are forgotten, of each job all but the newest, and single jobs that are done', async () => {
  await haveDueIn(0);
  await room.sql.query(
    `INSERT INTO scheduler.fires (id, tenant, plugin_id, schedule_id, generation, slot, state, send_at, finished_at)
     SELECT gen_random_uuid(), tenant, plugin_id, id, 1, now() - n * interval '1 s', 'done', now(), now() - n * age
     FROM scheduler.schedules, generate_series(1, 1200) n, (SELECT interval '1 s' AS age) a`,
  );
  await room.sql.query(
    `INSERT INTO scheduler.fires (id, tenant, plugin_id, schedule_id, generation, slot, state, send_at, finished_at)
     SELECT gen_random_uuid(), tenant, plugin_id, id, 1, now() - interval '9 days', 'dead', now(), now() - interval '8 days'
     FROM scheduler.schedules`,
  );
  await room.sql.query("UPDATE scheduler.schedules SET fired = 1202, next_due = now() + interval '1 day'");
  await room.sql.query(
    `INSERT INTO scheduler.schedules (id, tenant, plugin_id, name, timing, generation, first_due, ended_at)
     VALUES (gen_random_uuid(), 'acme', 'gone', 'was', '{"once": true}', 1, now(), now() - interval '8 days')`,
  );
  await room.sql.query(
    `INSERT INTO scheduler.plugin_states (tenant, plugin_id, enabled, changed_at) VALUES ('acme', 'gone', false, now() - interval '8 days')`,
  );
  await room.scheduler();
  const count = async (table: string) =>
    (await room.rows<{ count: number }>(`SELECT count(*)::integer AS count FROM scheduler.${table}`))[0]?.count;
  await eventually(async () => expect(await count('fires')).toBe(1_000));
  await eventually(async () => expect(await count('schedules')).toBe(1));
  expect(await room.rows("SELECT 1 FROM scheduler.fires WHERE state = 'dead'")).toEqual([]);
  await eventually(async () => expect(await count('plugin_states')).toBe(1));
}, 60_000);
