import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DeliverWebhook, RunJob } from '@verifywise/contracts';
import { eventually } from '../../../../test/support/eventually.ts';
import { pause } from '../pause.ts';
import type { HeardFailure } from '../testing/heard-failures.ts';
import { heardFailures } from '../testing/heard-failures.ts';
import { recorder } from '../testing/recorder.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

const DISABLED = { state: 'disabled', desired: 'disabled' } as const;
/** Half a second without work. */
const IDLE_STOP_MINUTES = '0.008';
const PATIENCE = { deadlineMs: 10_000 };
const NOW = new Date().toISOString();
const KEEPS_LIVES = `
  webhooks: () => ({ ping: { handler: (req, res) => res.json({ pong: req.body }) } }),
  onUnload: async (ctx) => { await ctx.metadata.set('log', 0, 'unloads', ((await ctx.metadata.get('log', 0, 'unloads')) ?? 0) + 1); },
  onDisable: async (ctx) => { await ctx.metadata.set('log', 0, 'disabledAs', { enabledHere }); },`;
const SCHEDULES = `enabledHere = true; ctx.scheduler.schedule('daily', async () => 1, { cron: '0 0 * * *' }).catch(() => undefined);`;

/** Of all tenants together; on a busy machine it takes more rounds to meet as many. */
const ENOUGH_SLEEPS = 50;
const MOST_ROUNDS = 100;

describe('plugins that have nothing to do', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  let failures: HeardFailure[];
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runner = await room.startRunner({ RUNNER_IDLE_STOP_MINUTES: IDLE_STOP_MINUTES, HANDLER_LIMIT_MS: '5000' });
    failures = await heardFailures(room.broker);
  });
  afterAll(() => room.close());

  const viewOf = async (tenant: string) => (await runner.isolates()).find((isolate) => isolate.tenant === tenant);
  const asleep = (tenant: string) =>
    eventually(async () => expect(await viewOf(tenant)).toMatchObject({ sleeping: true, state: 'stopped', pid: null }));
  const seen = async (tenant: string) => (await runner.get(tenant, '/api/plugins/recorder/seen')).body.seen;
  const sleepsSoFar = async () => {
    const metrics = await (await fetch(`${runner.url}/metrics`)).text();
    return Number(/runner_isolates_put_to_sleep_total\{.*\} (\d+)/.exec(metrics)?.[1]);
  };
  const code = (version: string) =>
    `let enabledHere = false; ${recorder({ version, more: KEEPS_LIVES }).replace('onEnable(ctx) {', `onEnable(ctx) { ${SCHEDULES}`)}`;

  test('fall asleep, and wake by event, request, webhook and job', async () => {
    await room.enabled({ tenant: 'sleepy', version: '1.0.0', code: code('1.0.0') });
    await room.enabled({ tenant: 'drowsy', version: '2.0.0', code: code('2.0.0') });
    await asleep('sleepy');
    await asleep('drowsy');
    await room.emitRisk('sleepy', 1);
    await eventually(async () => expect(await seen('sleepy')).toEqual([1]));
    await asleep('sleepy');
    expect((await runner.get('sleepy', '/api/plugins/recorder/seen')).body).toMatchObject({
      version: '1.0.0',
      seen: [1],
    });
    await asleep('sleepy');
    const outcome = await room.broker.sendAndWait(
      DeliverWebhook,
      { tenant: 'sleepy', payload: webhook('ping') },
      PATIENCE,
    );
    expect(outcome).toMatchObject({ outcome: 'answered', answer: { status: 200 } });
    await asleep('sleepy');
    const fired = await room.broker.sendAndWait(RunJob, { tenant: 'sleepy', payload: job('daily') }, PATIENCE);
    expect(fired).toMatchObject({ outcome: 'done' });
    expect(await viewOf('drowsy')).toMatchObject({ sleeping: true, version: '2.0.0' });
    const metrics = await (await fetch(`${runner.url}/metrics`)).text();
    expect(metrics).toMatch(/runner_isolate_wake_seconds_count\{.*\} [4-9]/);
    expect(metrics).toMatch(/runner_isolates_sleeping\{.*\} [12]/);
  });

  test('with a timer, a server or a handler of their own stay awake', async () => {
    const timer = `module.exports = { onEnable() { setInterval(() => undefined, 60_000); } };`;
    await room.enabled({ tenant: 'ticks', code: timer });
    const before = `await new Promise((done) => setTimeout(done, 2_500));`;
    await room.enabled({ tenant: 'works', code: recorder({ before }) });
    await room.emitRisk('works', 1);
    await eventually(async () => expect((await viewOf('ticks'))?.awakeFor.join()).toMatch(/timer/i));
    await eventually(async () => expect(await seen('works')).toEqual([1]));
    await asleep('works');
    expect(await viewOf('ticks')).toMatchObject({ sleeping: false, state: 'running' });
  });

  test('handle every event once and in order, whenever it comes', async () => {
    const tenants = ['racy-1', 'racy-2', 'racy-3', 'racy-4', 'racy-5', 'racy-6', 'racy-7', 'racy-8'];
    for (const tenant of tenants) await room.enabled({ tenant, code: recorder() });
    const putToSleep = await sleepsSoFar();
    let met = 0;
    // About half a second after the last event each falls asleep: what comes then meets every moment of it.
    const emitUntilEnough = async (tenant: string, at: number): Promise<number[]> => {
      const emitted: number[] = [];
      for (let round = 0; met < ENOUGH_SLEEPS && round < MOST_ROUNDS; round += 1) {
        for (const risk of [2 * round, 2 * round + 1]) {
          await room.emitRisk(tenant, risk);
          emitted.push(risk);
        }
        await pause(500 + ((61 * round + 97 * at) % 350));
        met = (await sleepsSoFar()) - putToSleep;
      }
      return emitted;
    };
    const emitted = await Promise.all(tenants.map(emitUntilEnough));
    for (const [at, tenant] of tenants.entries()) {
      await eventually(async () => expect(await seen(tenant)).toEqual(emitted[at]));
    }
    expect(met).toBeGreaterThanOrEqual(ENOUGH_SLEEPS);
  });

  test('are disabled in the process that enabled them, and hear nothing after', async () => {
    const enabled = await room.enabled({ tenant: 'leaves', code: code('1.0.0') });
    await asleep('leaves');
    const disabled = await room.disable(enabled);
    const [kept] = await room.rows<{ value: unknown }>(
      `SELECT value FROM plugin_runner.metadata WHERE tenant = 'leaves' AND key = 'disabledAs'`,
    );
    expect(kept?.value).toEqual({ enabledHere: true });
    expect((await runner.get('leaves', '/api/plugins/recorder/seen')).status).toBe(404);
    await room.stepDone(disabled, 'onUnload', DISABLED);
    await room.forget(disabled);
  });

  test('that fail when they wake have failed like any plugin that fails to start', async () => {
    const fails = `if (await ctx.metadata.get('log', 0, 'broken')) throw new Error('cannot wake');`;
    await room.enabled({
      tenant: 'grumpy',
      code: recorder().replace('onEnable(ctx) {', `async onEnable(ctx) { ${fails}`),
    });
    await room.emitRisk('grumpy', 1);
    await eventually(async () => expect(await seen('grumpy')).toEqual([1]));
    await asleep('grumpy');
    // Broken only now: it may well have fallen asleep, and been woken, before it was asked what it had heard.
    await room.rows(
      `INSERT INTO plugin_runner.metadata (tenant, plugin_id, entity_type, entity_id, key, value)
       VALUES ('grumpy', 'recorder', 'log', 0, 'broken', 'true')`,
    );
    await room.emitRisk('grumpy', 2);
    const reported = () => failures.filter(({ tenant }) => tenant === 'grumpy');
    await eventually(() => expect(reported()).toHaveLength(1));
    expect(reported()[0]).toMatchObject({ reason: 'hook', during: 'onEnable', version: '1.0.0' });
    expect(reported()[0]?.stack).toContain('index.js');
    expect(await viewOf('grumpy')).toMatchObject({ waitingEvents: 1 });
  });

  test('sleep on when another runner takes over', async () => {
    await asleep('drowsy');
    const other = await room.startRunner({ RUNNER_IDLE_STOP_MINUTES: IDLE_STOP_MINUTES });
    expect(await runner.stop('SIGTERM')).toBe(0);
    const there = async () => (await other.isolates()).find(({ tenant }) => tenant === 'drowsy');
    await eventually(async () => expect(await there()).toMatchObject({ sleeping: true, pid: null, state: 'stopped' }));
    await room.emitRisk('drowsy', 7);
    const heard = async () => (await other.get('drowsy', '/api/plugins/recorder/seen')).body.seen;
    await eventually(async () => expect(await heard()).toEqual([7]));
  });
});

function webhook(name: string) {
  const headers = { 'content-type': 'application/json' };
  const bodyBase64 = Buffer.from('{"n":1}').toString('base64');
  return {
    requestId: randomUUID(),
    pluginId: 'recorder',
    webhook: name,
    method: 'POST',
    url: '/',
    headers,
    bodyBase64,
    receivedAt: NOW,
  };
}

function job(schedule: string) {
  return { pluginId: 'recorder', schedule, fireId: randomUUID(), attempt: 0, data: null, dueAt: NOW, limitMs: 2_000 };
}
