import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { connectBroker, type Broker } from '@verifywise/broker';
import {
  CancelJobs,
  JobFinished,
  ListJobs,
  PluginDisabled,
  PluginEnabled,
  PluginUninstalled,
  RunJob,
  ScheduleJob,
  type JobOutcome,
  type JobRun,
  type ScheduleTiming,
} from '@verifywise/contracts';
import { Closers, createLogger } from '@verifywise/service-kit';
import { Redis } from 'ioredis';
import { SignJWT } from 'jose';
import pg from 'pg';
import { backingServices } from '../../../test/support/backing-services.ts';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { startFakeRunner, type FakeRunner, type ReceivedWork } from '../../../test/support/fake-runner.ts';
import { onlyInstalled } from '../../../test/support/only-installed.ts';
import { startPrivateBroker, type PrivateBroker } from '../../../test/support/private-broker.ts';
import { readConfig } from './config.ts';
import { startScheduler } from './service.ts';

const SECRET = 'a-secret-of-the-tests-that-is-long-enough';
const PLUGIN = 'activity-feed';
const log = createLogger('scheduler-test', 'silent');

let rabbit: PrivateBroker;
let database: TestDatabase;
let redisUrl: string;
let redis: Redis;
let sql: pg.Client;
let asker: Broker;
const cleanups: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  [rabbit, database] = await Promise.all([startPrivateBroker(), createDatabase()]);
  redisUrl = `${backingServices().redisUrl}/5`;
  redis = new Redis(redisUrl);
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  asker = await connectBroker({ url: rabbit.url, source: 'test', log });
}, 60_000);

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await sql.query('DELETE FROM scheduler.schedules');
  await sql.query('DELETE FROM scheduler.plugin_states');
}, 60_000);

afterAll(async () => {
  await asker.close();
  await sql.end();
  await redis.flushdb();
  redis.disconnect();
  await database.drop();
  await rabbit.stop();
}, 60_000);

interface RunningScheduler {
  url: string;
  stop(): Promise<void>;
}

async function aScheduler(env: Record<string, string> = {}): Promise<RunningScheduler> {
  const closers = new Closers();
  const config = readConfig({
    ...{ PORT: '0', JWT_SECRET: SECRET, BROKER_URL: rabbit.url, DATABASE_URL: database.url, REDIS_URL: redisUrl },
    ...{ SWEEP_MS: '500', ...env },
  });
  const stop = () => closers.closeAll(10_000);
  cleanups.push(stop);
  const http = await startScheduler(config, closers, log);
  return { url: http.url, stop };
}

/** A runner whose handlers do what `handle` says with each run. */
async function aRunner(tenant: string, handle: (run: JobRun) => JobOutcome['outcome'] | 'silent'): Promise<FakeRunner> {
  const work = async ({ type, payload }: ReceivedWork, broker: Broker) => {
    if (type !== RunJob.name) return;
    const run = payload as JobRun;
    const outcome = handle(run);
    if (outcome === 'silent') return;
    const { pluginId, schedule, fireId, attempt } = run;
    const error = outcome === 'failed' ? { error: { message: 'it broke' } } : {};
    await broker.publish(JobFinished, {
      tenant,
      payload: { pluginId, schedule, fireId, attempt, outcome, tookMs: 1, ...error },
    });
  };
  const runner = await startFakeRunner({ brokerUrl: rabbit.url, tenant, work });
  cleanups.push(() => runner.close());
  return runner;
}

function runsOf(runner: FakeRunner): JobRun[] {
  return runner.received.map(({ payload }) => payload as JobRun);
}

const schedule = (tenant: string, name: string, timing: ScheduleTiming, data: unknown = null) =>
  asker.ask(ScheduleJob, { tenant, payload: { pluginId: PLUGIN, name, timing, data } });
const list = (tenant: string) => asker.ask(ListJobs, { tenant, payload: { pluginId: PLUGIN } });

async function http(url: string, path: string, options: { method?: string; tenant?: string; role?: string }) {
  const token = await new SignJWT({ tenant: options.tenant ?? 'acme', role: options.role ?? 'Admin' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('1')
    .setExpirationTime('1m')
    .sign(new TextEncoder().encode(SECRET));
  const answer = await fetch(`${url}${path}`, {
    method: options.method ?? 'GET',
    headers: { authorization: `Bearer ${token}` },
  });
  return {
    status: answer.status,
    body: (await answer.json()) as { data?: Record<string, unknown>[]; error?: { code: string } },
  };
}

const fact = { pluginId: PLUGIN, version: '1.0.0', generation: 1, timestamp: new Date(0).toISOString() };

describe('a schedule', () => {
  test('fires every slot once with two schedulers, with its data', async () => {
    const runner = await aRunner('acme', () => 'done');
    await aScheduler();
    await aScheduler();
    await schedule('acme', 'beat', { every: 1_000 }, { greeting: 'hello' });
    await eventually(() => expect(runner.received.length).toBeGreaterThanOrEqual(4));
    const runs = runsOf(runner);
    expect(new Set(runs.map(({ dueAt }) => dueAt)).size).toBe(runs.length);
    expect(new Set(runs.map(({ fireId }) => fireId)).size).toBe(runs.length);
    expect(runs[0]).toMatchObject({ pluginId: PLUGIN, schedule: 'beat', attempt: 0, data: { greeting: 'hello' } });
    await eventually(async () => expect((await list('acme'))[0]).toMatchObject({ name: 'beat', lastOutcome: 'done' }));
  }, 60_000);

  test('that runs once is fired once although Redis was flushed meanwhile, and is listed no longer', async () => {
    const runner = await aRunner('acme', () => 'done');
    await aScheduler();
    await aScheduler();
    await schedule('acme', 'later', { once: true, delay: 1_500 });
    expect(await list('acme')).toHaveLength(1);
    await redis.flushdb();
    await eventually(() => expect(runner.received).toHaveLength(1));
    await eventually(async () => expect(await list('acme')).toEqual([]));
    expect(runner.received).toHaveLength(1);
  }, 60_000);

  test('is rung for, not only swept for, also after Redis was flushed and cut off', async () => {
    const runner = await aRunner('acme', () => 'done');
    // Nothing comes by by itself within the time of this test.
    await aScheduler({ SWEEP_MS: '60000' });
    const rings = async (count: number) => {
      await schedule('acme', 'soon', { once: true, delay: 300 });
      await eventually(() => expect(runner.received).toHaveLength(count), { within: 10_000 });
      await eventually(async () => expect(await list('acme')).toEqual([]));
    };
    await rings(1);
    await redis.flushdb();
    await rings(2);
    await redis.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await rings(3);
  }, 60_000);

  test('fires although there is no Redis at all', async () => {
    const runner = await aRunner('acme', () => 'done');
    await aScheduler({ REDIS_URL: 'redis://127.0.0.1:1' });
    await schedule('acme', 'later', { once: true, delay: 0 });
    await eventually(() => expect(runner.received).toHaveLength(1));
  }, 60_000);

  test('said again as it was keeps its next slot; said otherwise begins anew', async () => {
    await aScheduler();
    const first = await schedule('acme', 'nightly', { every: 3_600_000 });
    const again = await schedule('acme', 'nightly', { every: 3_600_000 }, { new: 'data' });
    const changed = await schedule('acme', 'nightly', { cron: '0 3 * * *', tz: 'Europe/Berlin' });
    expect(again.nextRun).toBe(first.nextRun);
    expect(changed.nextRun).not.toBe(first.nextRun);
    expect(await list('acme')).toHaveLength(1);
    expect(await list('globex')).toEqual([]);
  });

  test('that cannot be is refused with a sentence', async () => {
    await aScheduler();
    await expect(schedule('acme', 'bad', { cron: '61 * * * *' })).rejects.toMatchObject({ code: 'SCHEDULE_INVALID' });
    await expect(schedule('acme', 'bad', { every: 1_000, cron: '* * * * *' })).rejects.toThrow(
      'exactly one of cron, every',
    );
  });

  test('goes when it is cancelled', async () => {
    await aScheduler();
    await schedule('acme', 'one', { every: 60_000 });
    await schedule('acme', 'two', { every: 60_000 });
    const cancel = (name?: string) =>
      asker.ask(CancelJobs, { tenant: 'acme', payload: { pluginId: PLUGIN, ...(name === undefined ? {} : { name }) } });
    expect(await cancel('one')).toEqual({ cancelled: 1 });
    expect(await cancel('one')).toEqual({ cancelled: 0 });
    expect(await cancel()).toEqual({ cancelled: 1 });
  });
});

describe('a fire', () => {
  test('is tried again after a failure, with the failures counted and the same id, and is dead when the attempts are used up', async () => {
    const runner = await aRunner('acme', () => 'failed');
    await aScheduler();
    await schedule('acme', 'risky', { once: true, attempts: 3, backoff: { type: 'fixed', delay: 100 } });
    await eventually(async () => expect((await list('acme'))[0]).toMatchObject({ lastOutcome: 'dead' }));
    expect(runsOf(runner).map(({ attempt }) => attempt)).toEqual([0, 1, 2]);
    expect(new Set(runsOf(runner).map(({ fireId }) => fireId)).size).toBe(1);
  }, 60_000);

  test('without a handler waits for one and is not reported as done', async () => {
    let registered = false;
    const runner = await aRunner('acme', () => (registered ? 'done' : 'no-handler'));
    await aScheduler();
    await schedule('acme', 'early', { once: true });
    await eventually(async () => expect((await list('acme'))[0]).toMatchObject({ lastOutcome: 'no-handler' }));
    registered = true;
    await eventually(async () => expect(await list('acme')).toEqual([]));
    expect(runsOf(runner).every(({ attempt }) => attempt === 0)).toBe(true);
  }, 60_000);

  test('written down by a scheduler that died before it sent is sent by another', async () => {
    const died = await aScheduler({ SWEEP_MS: '60000' });
    await schedule('acme', 'once', { once: true, delay: 600_000 });
    await died.stop();
    await sql.query(`INSERT INTO scheduler.fires (id, tenant, schedule_id, generation, slot, state, send_at)
      SELECT gen_random_uuid(), tenant, id, generation, next_due, 'due', now() FROM scheduler.schedules`);
    await sql.query('UPDATE scheduler.schedules SET next_due = NULL, fired = 1');
    const runner = await aRunner('acme', () => 'done');
    await aScheduler();
    await eventually(async () => expect(await list('acme')).toEqual([]));
    expect(runner.received).toHaveLength(1);
  }, 60_000);

  test('sent by a scheduler that died before it marked so, or never answered, is sent again with the same id', async () => {
    let silent = true;
    const runner = await aRunner('acme', () => (silent ? 'silent' : 'done'));
    const died = await aScheduler();
    await schedule('acme', 'once', { once: true });
    await eventually(() => expect(runner.received).toHaveLength(1));
    await eventually(async () => {
      const { rows } = await sql.query<{ state: string }>('SELECT state FROM scheduler.fires');
      expect(rows).toEqual([{ state: 'sent' }]);
    });
    await died.stop();
    // What the dead scheduler had not written, and the time that passes before others take over.
    await sql.query("UPDATE scheduler.fires SET state = 'due', unanswered = 0, send_at = now()");
    silent = false;
    await aScheduler();
    await eventually(async () => expect(await list('acme')).toEqual([]));
    const [one, two] = runner.received;
    expect(runner.received).toHaveLength(2);
    expect((two?.payload as JobRun).fireId).toBe((one?.payload as JobRun).fireId);
    expect(two?.id).toBe(one?.id);
  }, 60_000);

  test('waits in PostgreSQL while RabbitMQ is away', async () => {
    const runner = await aRunner('acme', () => 'done');
    await aScheduler();
    await schedule('acme', 'beat', { every: 1_000 });
    await eventually(() => expect(runner.received.length).toBeGreaterThan(0));
    const before = runner.received.length;
    await rabbit.kill();
    await rabbit.restart();
    await eventually(() => expect(runner.received.length).toBeGreaterThan(before + 1), { within: 40_000 });
    const slots = runsOf(runner).map(({ fireId, dueAt }) => `${fireId} ${dueAt}`);
    expect(new Set(runsOf(runner).map(({ dueAt }) => dueAt)).size).toBe(new Set(slots).size);
  }, 90_000);
});

describe('the jobs of a plugin', () => {
  test('pause when it is disabled, go on when it is enabled, and go with it', async () => {
    await aScheduler();
    await schedule('acme', 'beat', { every: 3_600_000 });
    const publish = (state: 'enabled' | 'disabled', time: Date) =>
      asker.publish(state === 'enabled' ? PluginEnabled : PluginDisabled, {
        tenant: 'acme',
        time,
        payload: { ...fact, state },
      });
    const now = Date.now();
    await publish('disabled', new Date(now));
    await eventually(async () => expect(await list('acme')).toMatchObject([{ paused: true, nextRun: null }]));
    await publish('enabled', new Date(now + 1_000));
    await eventually(async () => expect(await list('acme')).toMatchObject([{ paused: false }]));
    // A fact that was overtaken says nothing.
    await publish('disabled', new Date(now + 500));
    await asker.publish(PluginUninstalled, {
      tenant: 'globex',
      payload: { ...fact, state: 'uninstalled', dataDeleted: false },
    });
    expect(await list('acme')).toMatchObject([{ paused: false }]);
    const time = new Date(now + 2_000);
    await asker.publish(PluginUninstalled, {
      tenant: 'acme',
      time,
      payload: { ...fact, state: 'uninstalled', dataDeleted: false },
    });
    await eventually(async () => expect(await list('acme')).toEqual([]));
  }, 60_000);

  test('are seen by any role, managed by admins, and only by those of their tenant', async () => {
    const runner = await aRunner('acme', () => 'done');
    const { url } = await aScheduler();
    await schedule('acme', 'nightly sync', { cron: '0 0 * * *' });
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
    const installer = await asker.answerQuestions('installer', [onlyInstalled('acme', PLUGIN)]);
    cleanups.push(() => installer.stop());
    const { url } = await aScheduler();
    expect(await http(url, `/api/plugins/${PLUGIN}/jobs`, {})).toEqual({
      status: 200,
      body: { success: true, data: [] },
    });
    const missing = { status: 404, body: { error: { code: 'PLUGIN_NOT_INSTALLED' } } };
    expect(await http(url, '/api/plugins/nobody-has-it/jobs', {})).toMatchObject(missing);
    expect(await http(url, `/api/plugins/${PLUGIN}/jobs`, { tenant: 'globex' })).toMatchObject(missing);
  }, 60_000);
});
