import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { answering } from '@verifywise/broker';
import {
  CancelJobs,
  ListInstalledPlugins,
  PluginDisabled,
  PluginEnabled,
  PluginUninstalled,
  type JobRun,
} from '@verifywise/contracts';
import { eventually } from '../../../test/support/eventually.ts';
import { onlyInstalled } from '../../../test/support/only-installed.ts';
import { http, PLUGIN, runsOf, SchedulerRoom } from './testing/scheduler-room.ts';

let room: SchedulerRoom;

beforeAll(async () => {
  room = await SchedulerRoom.open(5);
}, 60_000);
afterEach(() => room.clear(), 60_000);
afterAll(() => room.close(), 60_000);

const fact = { pluginId: PLUGIN, version: '1.0.0', generation: 1, timestamp: new Date(0).toISOString() };

describe('a schedule', () => {
  test('fires every slot once with two schedulers, with its data', async () => {
    const runner = await room.runner('acme', () => 'done');
    await room.scheduler();
    await room.scheduler();
    await room.schedule('acme', 'beat', { every: 1_000 }, { greeting: 'hello' });
    await eventually(() => expect(runner.received.length).toBeGreaterThanOrEqual(4));
    const runs = runsOf(runner);
    expect(new Set(runs.map(({ dueAt }) => dueAt)).size).toBe(runs.length);
    expect(new Set(runs.map(({ fireId }) => fireId)).size).toBe(runs.length);
    expect(runs[0]).toMatchObject({ pluginId: PLUGIN, schedule: 'beat', attempt: 0, data: { greeting: 'hello' } });
    await eventually(async () =>
      expect((await room.list('acme'))[0]).toMatchObject({ name: 'beat', lastOutcome: 'done' }),
    );
  }, 60_000);

  test('that runs once is fired once although Redis was flushed meanwhile, and is listed no longer', async () => {
    const runner = await room.runner('acme', () => 'done');
    await room.scheduler();
    await room.scheduler();
    await room.schedule('acme', 'later', { once: true, delay: 1_500 });
    expect(await room.list('acme')).toHaveLength(1);
    await room.redis.flushdb();
    await eventually(() => expect(runner.received).toHaveLength(1));
    await eventually(async () => expect(await room.list('acme')).toEqual([]));
    expect(runner.received).toHaveLength(1);
  }, 60_000);

  test('is rung for, not only swept for, also after Redis was flushed and cut off', async () => {
    const runner = await room.runner('acme', () => 'done');
    // Nothing comes by by itself within the time of this test.
    await room.scheduler({ SWEEP_MS: '60000' });
    const rings = async (count: number) => {
      await room.schedule('acme', 'soon', { once: true, delay: 300 });
      await eventually(() => expect(runner.received).toHaveLength(count), { within: 10_000 });
      await eventually(async () => expect(await room.list('acme')).toEqual([]));
    };
    await rings(1);
    await room.redis.flushdb();
    await rings(2);
    await room.redis.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await rings(3);
  }, 60_000);

  test('fires although there is no Redis at all', async () => {
    const runner = await room.runner('acme', () => 'done');
    await room.scheduler({ REDIS_URL: 'redis://127.0.0.1:1' });
    await room.schedule('acme', 'later', { once: true, delay: 0 });
    await eventually(() => expect(runner.received).toHaveLength(1));
  }, 60_000);

  test('said again as it was keeps its next slot; said otherwise begins anew', async () => {
    await room.scheduler();
    const first = await room.schedule('acme', 'nightly', { every: 3_600_000 });
    const again = await room.schedule('acme', 'nightly', { every: 3_600_000 }, { new: 'data' });
    const changed = await room.schedule('acme', 'nightly', { cron: '0 3 * * *', tz: 'Europe/Berlin' });
    expect(again.nextRun).toBe(first.nextRun);
    expect(changed.nextRun).not.toBe(first.nextRun);
    expect(await room.list('acme')).toHaveLength(1);
    expect(await room.list('globex')).toEqual([]);
  });

  test('that cannot be is refused with a sentence', async () => {
    await room.scheduler();
    await expect(room.schedule('acme', 'bad', { cron: '61 * * * *' })).rejects.toMatchObject({
      code: 'SCHEDULE_INVALID',
    });
    await expect(room.schedule('acme', 'bad', { every: 1_000, cron: '* * * * *' })).rejects.toThrow(
      'exactly one of cron, every',
    );
  });

  test('goes when it is cancelled', async () => {
    await room.scheduler();
    await room.schedule('acme', 'one', { every: 60_000 });
    await room.schedule('acme', 'two', { every: 60_000 });
    const cancel = (name?: string) =>
      room.asker.ask(CancelJobs, {
        tenant: 'acme',
        payload: { pluginId: PLUGIN, ...(name === undefined ? {} : { name }) },
      });
    expect(await cancel('one')).toEqual({ cancelled: 1 });
    expect(await cancel('one')).toEqual({ cancelled: 0 });
    expect(await cancel()).toEqual({ cancelled: 1 });
  });
});

describe('a fire', () => {
  test('is tried again after a failure, with the failures counted and the same id, and is dead when the attempts are used up', async () => {
    const runner = await room.runner('acme', () => 'failed');
    await room.scheduler();
    await room.schedule('acme', 'risky', { once: true, attempts: 3, backoff: { type: 'fixed', delay: 100 } });
    await eventually(async () => expect((await room.list('acme'))[0]).toMatchObject({ lastOutcome: 'dead' }));
    expect(runsOf(runner).map(({ attempt }) => attempt)).toEqual([0, 1, 2]);
    expect(new Set(runsOf(runner).map(({ fireId }) => fireId)).size).toBe(1);
  }, 60_000);

  test('without a handler waits for one and is not reported as done', async () => {
    let registered = false;
    const runner = await room.runner('acme', () => (registered ? 'done' : 'no-handler'));
    await room.scheduler();
    await room.schedule('acme', 'early', { once: true });
    await eventually(async () => expect((await room.list('acme'))[0]).toMatchObject({ lastOutcome: 'no-handler' }));
    registered = true;
    await eventually(async () => expect(await room.list('acme')).toEqual([]));
    expect(runsOf(runner).every(({ attempt }) => attempt === 0)).toBe(true);
  }, 60_000);

  test('written down by a scheduler that died before it sent is sent by another', async () => {
    const died = await room.scheduler({ SWEEP_MS: '60000' });
    await room.schedule('acme', 'once', { once: true, delay: 600_000 });
    await died.stop();
    await room.sql
      .query(`INSERT INTO scheduler.fires (id, tenant, plugin_id, schedule_id, generation, slot, state, send_at)
      SELECT gen_random_uuid(), tenant, plugin_id, id, generation, next_due, 'due', now() FROM scheduler.schedules`);
    await room.sql.query('UPDATE scheduler.schedules SET next_due = NULL, fired = 1');
    const runner = await room.runner('acme', () => 'done');
    await room.scheduler();
    await eventually(async () => expect(await room.list('acme')).toEqual([]));
    expect(runner.received).toHaveLength(1);
  }, 60_000);

  test('sent by a scheduler that died before it marked so, or never answered, is sent again with the same id', async () => {
    let silent = true;
    const runner = await room.runner('acme', () => (silent ? 'silent' : 'done'));
    const died = await room.scheduler();
    await room.schedule('acme', 'once', { once: true });
    await eventually(() => expect(runner.received).toHaveLength(1));
    await eventually(async () => {
      const { rows } = await room.sql.query<{ state: string }>('SELECT state FROM scheduler.fires');
      expect(rows).toEqual([{ state: 'sent' }]);
    });
    await died.stop();
    // What the dead scheduler had not written, and the time that passes before others take over.
    await room.sql.query("UPDATE scheduler.fires SET state = 'sending', unanswered = 0, send_at = now()");
    silent = false;
    await room.scheduler();
    await eventually(async () => expect(await room.list('acme')).toEqual([]));
    const [one, two] = runner.received;
    expect(runner.received).toHaveLength(2);
    expect((two?.payload as JobRun).fireId).toBe((one?.payload as JobRun).fireId);
    expect(two?.id).toBe(one?.id);
  }, 60_000);

  test('waits in PostgreSQL while RabbitMQ is away', async () => {
    const runner = await room.runner('acme', () => 'done');
    await room.scheduler();
    await room.schedule('acme', 'beat', { every: 1_000 });
    await eventually(() => expect(runner.received.length).toBeGreaterThan(0));
    const before = runner.received.length;
    await room.rabbit.kill();
    await room.rabbit.restart();
    await eventually(() => expect(runner.received.length).toBeGreaterThan(before + 1), { within: 40_000 });
    const slots = runsOf(runner).map(({ fireId, dueAt }) => `${fireId} ${dueAt}`);
    expect(new Set(runsOf(runner).map(({ dueAt }) => dueAt)).size).toBe(new Set(slots).size);
  }, 90_000);
});

describe('the jobs of a plugin', () => {
  test('pause when it is disabled, go on when it is enabled, and go with it', async () => {
    await room.scheduler();
    await room.schedule('acme', 'beat', { every: 3_600_000 });
    const publish = (state: 'enabled' | 'disabled', time: Date) =>
      room.asker.publish(state === 'enabled' ? PluginEnabled : PluginDisabled, {
        tenant: 'acme',
        time,
        payload: { ...fact, state },
      });
    const now = Date.now();
    await publish('disabled', new Date(now));
    await eventually(async () => expect(await room.list('acme')).toMatchObject([{ paused: true }]));
    await publish('enabled', new Date(now + 1_000));
    await eventually(async () => expect(await room.list('acme')).toMatchObject([{ paused: false }]));
    // A fact that was overtaken says nothing.
    await publish('disabled', new Date(now + 500));
    await room.asker.publish(PluginUninstalled, {
      tenant: 'globex',
      payload: { ...fact, state: 'uninstalled', dataDeleted: false },
    });
    expect(await room.list('acme')).toMatchObject([{ paused: false }]);
    const time = new Date(now + 2_000);
    await room.asker.publish(PluginUninstalled, {
      tenant: 'acme',
      time,
      payload: { ...fact, state: 'uninstalled', dataDeleted: false },
    });
    await eventually(async () => expect(await room.list('acme')).toEqual([]));
  }, 60_000);

  test('are seen by any role, managed by admins, and only by those of their tenant', async () => {
    const runner = await room.runner('acme', () => 'done');
    const { url } = await room.scheduler();
    await room.schedule('acme', 'nightly sync', { cron: '0 0 * * *' });
    const job = `/api/plugins/${PLUGIN}/jobs/nightly%20sync`;
    const seen = await http(url, `/api/plugins/${PLUGIN}/jobs`, { role: 'Editor' });
    expect(seen.body.data).toMatchObject([{ name: 'nightly sync', pausedBy: null, fired: 0 }]);
    expect((await http(url, `/api/plugins/${PLUGIN}/jobs`, { tenant: 'globex' })).body.data).toEqual([]);
    expect((await http(url, `${job}/run`, { method: 'POST', role: 'Editor' })).status).toBe(403);
    expect((await http(url, `${job}/run`, { method: 'POST', tenant: 'globex' })).status).toBe(404);
    expect((await http(url, `${job}/run`, { method: 'POST' })).status).toBe(202);
    await eventually(() => expect(runner.received).toHaveLength(1));
    expect((await http(url, `${job}/pause`, { method: 'POST' })).body.data).toMatchObject({
      pausedBy: 'admin',
      nextRun: null,
    });
    expect((await http(url, `${job}/resume`, { method: 'POST' })).body.data).toMatchObject({ pausedBy: null });
    const openapi = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, unknown> };
    expect(Object.keys(openapi.paths)).toContain('/api/plugins/{id}/jobs/{name}/run');
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  }, 60_000);

  test('that the tenant does not have are not there; one it has may have no jobs', async () => {
    const installer = await room.asker.answerQuestions('installer', [onlyInstalled('acme', PLUGIN)]);
    room.onClear(() => installer.stop());
    const { url } = await room.scheduler();
    expect(await http(url, `/api/plugins/${PLUGIN}/jobs`, {})).toEqual({
      status: 200,
      body: { success: true, data: [] },
    });
    const missing = { status: 404, body: { error: { code: 'PLUGIN_NOT_INSTALLED' } } };
    expect(await http(url, '/api/plugins/nobody-has-it/jobs', {})).toMatchObject(missing);
    expect(await http(url, `/api/plugins/${PLUGIN}/jobs`, { tenant: 'globex' })).toMatchObject(missing);
  }, 60_000);
});

describe('a job that an admin runs', () => {
  const path = (action: string) => `/api/plugins/${PLUGIN}/jobs/job/${action}`;
  const post = (url: string, action: string, key?: string) =>
    http(url, path(action), { method: 'POST', ...(key === undefined ? {} : { key }) });
  const shown = async (url: string) => (await http(url, `/api/plugins/${PLUGIN}/jobs`)).body.data?.[0];

  test('is counted and shown, and runs once for one Idempotency-Key, also while it is paused', async () => {
    const runner = await room.runner('acme', () => 'done');
    const { url } = await room.scheduler();
    await room.schedule('acme', 'job', { every: 3_600_000 });
    expect((await post(url, 'pause')).status).toBe(200);
    const first = await post(url, 'run', 'once');
    expect(first).toMatchObject({ status: 202 });
    expect(await post(url, 'run', 'once')).toEqual(first);
    await eventually(async () =>
      expect(await shown(url)).toMatchObject({ lastOutcome: 'done', fired: 1, attempts: 1 }),
    );
    expect(runner.received).toHaveLength(1);
    const fireId = first.body.data?.['fireId'];
    expect((await http(url, path('runs'), { role: 'Viewer' })).body.data).toMatchObject([
      { fireId, byHand: true, state: 'done', failures: 0, error: null },
    ]);
    expect(await http(url, path('runs'), { tenant: 'globex' })).toMatchObject({
      status: 404,
      body: { error: { code: 'SCHEDULE_NOT_FOUND' } },
    });
  }, 60_000);

  test('does not run beside itself unless it may', async () => {
    const runner = await room.runner('acme', () => 'silent');
    const { url } = await room.scheduler();
    await room.schedule('acme', 'job', { every: 3_600_000 });
    expect((await post(url, 'run')).status).toBe(202);
    await eventually(() => expect(runner.received).toHaveLength(1));
    expect(await post(url, 'run')).toMatchObject({ status: 409, body: { error: { code: 'JOB_RUNNING' } } });
    await room.schedule('acme', 'job', { every: 3_600_000, overlap: 'allow' });
    expect((await post(url, 'run')).status).toBe(202);
    await eventually(() => expect(runner.received).toHaveLength(2));
  }, 60_000);

  test('does not wait for its next attempt any longer', async () => {
    let broken = true;
    const runner = await room.runner('acme', () => (broken ? 'failed' : 'done'));
    const { url } = await room.scheduler();
    await room.schedule('acme', 'job', { once: true, backoff: { type: 'fixed', delay: 3_600_000 } });
    await eventually(async () =>
      expect(await shown(url)).toMatchObject({ lastOutcome: 'failed', lastError: 'it broke', attempts: 1 }),
    );
    broken = false;
    expect((await post(url, 'run')).status).toBe(202);
    await eventually(async () => expect(await room.list('acme')).toEqual([]));
    expect(runsOf(runner).map(({ attempt }) => attempt)).toEqual([0, 1]);
    expect(new Set(runsOf(runner).map(({ fireId }) => fireId)).size).toBe(1);
  }, 60_000);

  test('does not run while its plugin is disabled, and its attempts wait while it is paused', async () => {
    const runner = await room.runner('acme', () => 'failed');
    const { url } = await room.scheduler();
    await room.schedule('acme', 'job', { once: true, attempts: 99, backoff: { type: 'fixed', delay: 100 } });
    await eventually(() => expect(runner.received.length).toBeGreaterThan(0));
    expect((await post(url, 'pause')).body.data).toMatchObject({ pausedBy: 'admin' });
    await eventually(async () =>
      expect(await room.rows('SELECT state FROM scheduler.fires')).toEqual([{ state: 'failed' }]),
    );
    const attempts = runner.received.length;
    await room.schedule('acme', 'another', { once: true, attempts: 5, backoff: { type: 'fixed', delay: 100 } });
    const runs = (name: string) => runsOf(runner).filter(({ schedule }) => schedule === name).length;
    await eventually(() => expect(runs('another')).toBe(5));
    expect(runs('job')).toBe(attempts);
    await post(url, 'resume');
    await eventually(() => expect(runs('job')).toBeGreaterThan(attempts));

    await room.asker.publish(PluginDisabled, { tenant: 'acme', payload: { ...fact, state: 'disabled' } });
    await eventually(async () => {
      expect(await post(url, 'run')).toMatchObject({ status: 409, body: { error: { code: 'CONFLICT' } } });
    });
  }, 60_000);
});

describe('the limits of a plugin', () => {
  test('are said with a code of their own', async () => {
    await room.scheduler({ JOBS_PER_PLUGIN: '2', JOB_SHORTEST_INTERVAL_MS: '60000' });
    await room.schedule('acme', 'one', { every: 60_000 });
    await room.schedule('acme', 'two', { cron: '0 * * * *' });
    await expect(room.schedule('acme', 'three', { cron: '0 * * * *' })).rejects.toMatchObject({
      code: 'TOO_MANY_SCHEDULES',
      details: { limit: 2 },
    });
    await room.schedule('acme', 'two', { cron: '30 * * * *' });
    await room.schedule('globex', 'three', { cron: '0 * * * *' });
    await expect(room.schedule('acme', 'one', { every: 59_000 })).rejects.toMatchObject({
      code: 'SCHEDULE_TOO_FREQUENT',
    });
    await expect(room.schedule('acme', 'one', { cron: '*/30 * * * * *' })).rejects.toMatchObject({
      code: 'SCHEDULE_TOO_FREQUENT',
    });
  }, 60_000);

  test('give a handler that never comes up, and say why', async () => {
    await room.runner('acme', () => 'no-handler');
    const { url } = await room.scheduler({ JOB_HANDLER_WAIT_MS: '1' });
    await room.schedule('acme', 'lost', { once: true });
    await eventually(async () =>
      expect((await room.list('acme'))[0]).toMatchObject({ lastOutcome: 'dead', attempts: 0 }),
    );
    const [job] = (await http(url, `/api/plugins/${PLUGIN}/jobs`)).body.data ?? [];
    expect(job?.['lastError']).toContain('has no handler for "lost"');
  }, 60_000);
});

test('what a fact that was lost would have said is asked for', async () => {
  const plugins = { version: '1.0.0', state: 'enabled' as const };
  const installed = new Map([
    ['acme', { ...plugins, pluginId: PLUGIN, enabled: true, generation: 7 }],
    ['globex', { ...plugins, pluginId: PLUGIN, enabled: false, generation: 8 }],
  ]);
  const installer = await room.asker.answerQuestions('installer', [
    answering(ListInstalledPlugins, ({ tenants }) =>
      tenants.map(({ tenant }) => ({ tenant, revision: '1', plugins: [installed.get(tenant) ?? []].flat() })),
    ),
  ]);
  room.onClear(() => installer.stop());
  await room.scheduler();
  for (const tenant of ['acme', 'globex']) await room.schedule(tenant, 'job', { every: 3_600_000 });
  await eventually(async () => expect(await room.list('globex')).toMatchObject([{ paused: true }]));
  expect(await room.list('acme')).toMatchObject([{ paused: false }]);
  installed.set('globex', { ...plugins, pluginId: PLUGIN, enabled: true, generation: 9 });
  await eventually(async () => expect(await room.list('globex')).toMatchObject([{ paused: false }]));
  installed.delete('acme');
  await eventually(async () => expect(await room.list('acme')).toEqual([]));
  expect(await room.list('globex')).toHaveLength(1);
}, 60_000);
