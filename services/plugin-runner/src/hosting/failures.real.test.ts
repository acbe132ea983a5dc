import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { answering, hearing } from '@verifywise/broker';
import type { Installation, PluginFailure } from '@verifywise/contracts';
import { DeliverWebhook, PlatformError, PluginFailed, RunJob, ScheduleJob } from '@verifywise/contracts';
import { eventually } from '../../../../test/support/eventually.ts';
import { recorder } from '../testing/recorder.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

const INSTALLED = { state: 'installed', desired: 'disabled' } as const;
const ENABLED = { state: 'enabled', desired: 'enabled' } as const;
const UPDATING = { state: 'updating', desired: 'enabled' } as const;
const PATIENCE = { deadlineMs: 15_000 };
const NOW = new Date().toISOString();

describe('plugins that fail', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  const failures: (PluginFailure & { tenant: string | null })[] = [];
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runner = await room.startRunner({ HANDLER_LIMIT_MS: '5000' });
    await room.broker.subscribe('installer', [
      hearing(PluginFailed, (failure, { tenant }) => {
        failures.push({ ...failure, tenant });
        return Promise.resolve();
      }),
    ]);
    await room.enabled({ tenant: 'calm', version: '2.0.0', code: recorder({ version: '2.0.0' }) });
  });
  afterAll(() => room.close());

  const failuresOf = (tenant: string) => failures.filter((failure) => failure.tenant === tenant);
  const viewOf = async (tenant: string) => (await runner.isolates()).find((isolate) => isolate.tenant === tenant);
  const seen = async (tenant: string) => (await runner.get(tenant, '/api/plugins/recorder/seen')).body.seen as number[];
  const failedEvents = async (tenant: string) => {
    const sql = 'SELECT event_id FROM plugin_runner.failed_deliveries WHERE tenant = $1 ORDER BY failed_at';
    return (await room.rows<{ event_id: string }>(sql, [tenant])).map(({ event_id }) => event_id);
  };
  /** What an installer does whose error budget is not used up: the same, anew. */
  const goOn = (installation: Installation) => room.settle({ ...installation, generation: room.nextGeneration() });

  test('go on with the next event when the installer lets them, without the one that killed them twice', async () => {
    const before = `if (payload.riskId === 13) for (;;);`;
    const installation = await room.enabled({ tenant: 'budget', code: recorder({ before }) });
    await room.emitRisk('budget', 1);
    const guilty = await room.emitRisk('budget', 13);
    for (const risk of [2, 3]) await room.emitRisk('budget', risk);
    await eventually(() => expect(failuresOf('budget')).toHaveLength(1));
    expect(failuresOf('budget')[0]).toMatchObject({ reason: 'hang', during: 'event risk:created', version: '1.0.0' });
    // It may not have been the event's fault: the next process is given it once more.
    expect(await viewOf('budget')).toMatchObject({ state: 'crashed', lastCrash: { reason: 'hang' }, waitingEvents: 3 });
    expect(await failedEvents('budget')).toEqual([]);
    await goOn(installation);
    await eventually(() => expect(failuresOf('budget')).toHaveLength(2));
    await goOn(installation);
    await eventually(async () => expect(await seen('budget')).toEqual([1, 2, 3]));
    expect(await failedEvents('budget')).toEqual([guilty]);
    expect(failuresOf('budget')).toHaveLength(2);
    expect(await viewOf('budget')).toMatchObject({ state: 'running', lastCrash: { reason: 'hang' } });
    expect(failuresOf('calm')).toEqual([]);
  });

  test('are given nothing while their process ends: what waits behind is not used up on it', async () => {
    const before = `if (payload.riskId === 13) { Promise.reject(new Error('left alone')); return; }`;
    const installation = await room.enabled({ tenant: 'behind', code: recorder({ before }) });
    const waiting = Array.from({ length: 20 }, (_nothing, index) => 100 + index);
    await room.emitRisk('behind', 13);
    for (const risk of waiting) await room.emitRisk('behind', risk);
    await eventually(() => expect(failuresOf('behind')).toHaveLength(1));
    await goOn(installation);
    await eventually(async () => expect(await seen('behind')).toContain(119));
    // One may have reached it before it was known to be broken; the next process was given that one again.
    expect([...new Set(await seen('behind'))]).toEqual(waiting);
    expect(await failedEvents('behind')).toEqual([]);
  });

  test('tell whoever waits for them what became of them', async () => {
    const loops = `
      module.exports = {
        webhooks: () => ({ loops: { handler() { for (;;); } } }),
        routes(router) { router.get('/loops', () => { for (;;); }); },
        async onEnable(ctx) { ctx.scheduler.schedule('loops', () => { for (;;); }, { cron: '0 0 * * *' }).catch(() => undefined); },
      };`;
    const installation = await room.enabled({ tenant: 'loops', code: loops });
    const about = { pluginId: 'recorder', receivedAt: NOW, bodyBase64: '', headers: {} };
    const webhook = { ...about, webhook: 'loops', requestId: randomUUID(), method: 'POST', url: '/' };
    const job = { pluginId: 'recorder', schedule: 'loops', fireId: randomUUID(), attempt: 0, data: null, dueAt: NOW };
    const answered = await room.broker.sendAndWait(DeliverWebhook, { tenant: 'loops', payload: webhook }, PATIENCE);
    expect(answered).toMatchObject({ outcome: 'failed', error: { message: expect.stringContaining('ended') } });
    await eventually(() => expect(failuresOf('loops')).toHaveLength(1));
    expect(failuresOf('loops')[0]).toMatchObject({ reason: 'hang', during: 'webhook loops' });
    const again = await goOn(installation);
    await eventually(async () => expect(await viewOf('loops')).toMatchObject({ stage: 'enabled' }));
    const run = { ...job, limitMs: 10_000 };
    const ran = await room.broker.sendAndWait(RunJob, { tenant: 'loops', payload: run }, PATIENCE);
    expect(ran).toMatchObject({ outcome: 'failed', error: { message: expect.stringContaining('busy for more than') } });
    await eventually(() => expect(failuresOf('loops')).toHaveLength(2));
    expect(failuresOf('loops')[1]).toMatchObject({ during: 'job loops' });
    await goOn(again);
    await eventually(async () => expect(await viewOf('loops')).toMatchObject({ stage: 'enabled' }));
    expect((await runner.get('loops', '/api/plugins/recorder/loops')).status).toBe(502);
    await eventually(() => expect(failuresOf('loops')).toHaveLength(3));
    expect(failuresOf('loops')[2]).toMatchObject({ during: 'GET /api/plugins/recorder/loops' });
  });

  test('are ended when a hook takes too long', async () => {
    const code = `module.exports = { onLoad() { return new Promise(() => undefined); } };`;
    const installation = await room.install({ tenant: 'slow', code });
    const { outcome } = await room.step(installation, 'onLoad', INSTALLED);
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'HOOK_TIMED_OUT' } });
    expect(await viewOf('slow')).toMatchObject({ state: 'crashed', pid: null, lastCrash: { reason: 'hook-timeout' } });
  });

  test('for want of a permission stay enabled, with what they had registered; an admin who enables one is told', async () => {
    const emits = `async onLoad(ctx) { context = ctx; await ctx.emit('plugin:recorder:loaded', {}); },`;
    const code = recorder({ more: emits });
    const enabled = await room.enabled({ tenant: 'refused', code });
    const less: Installation = { ...enabled, granted: ['events:listen'] };
    const settled = await room.settle({ ...less, generation: room.nextGeneration() });
    process.kill((await viewOf('refused'))?.pid as number, 'SIGKILL');
    await eventually(() => expect(failuresOf('refused')).toHaveLength(1));
    await goOn(settled);
    await room.emitRisk('refused', 1);
    await eventually(async () => expect(await seen('refused')).toEqual([1]));
    expect(failuresOf('refused')).toHaveLength(1);
    await room.disable(settled);
    await room.stepDone(settled, 'onUnload', { state: 'disabled', desired: 'disabled' });
    const { outcome } = await room.step(settled, 'onEnable', ENABLED);
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'PERMISSION_DENIED' } });
  });

  test('at a start are left out, and the others go on', async () => {
    const bad = await room.install({
      tenant: 'starts',
      id: 'bad',
      code: `module.exports = { onLoad() { throw new Error('no'); } };`,
    });
    const good = await room.install({ tenant: 'starts', id: 'good', code: recorder().replaceAll('recorder', 'good') });
    await room.settle({ ...bad, ...ENABLED, generation: room.nextGeneration() });
    await room.settle({ ...good, ...ENABLED, generation: room.nextGeneration() });
    await eventually(() => expect(failuresOf('starts')).toHaveLength(1));
    expect(failuresOf('starts')[0]).toMatchObject({
      pluginId: 'bad',
      reason: 'hook',
      during: 'onLoad',
      version: '1.0.0',
    });
    expect(failuresOf('starts')[0]?.stack).toContain('index.js');
    await eventually(async () => expect((await runner.get('starts', '/api/plugins/good/seen')).status).toBe(200));
  });

  test('a grant of files moves the plugin to another process, in order', async () => {
    const more = `onUnload: async (ctx) => { await ctx.metadata.set('log', 0, 'unloaded', true); },`;
    const before = `await new Promise((done) => setTimeout(done, 100));`;
    const enabled = await room.enabled({ tenant: 'files', code: recorder({ more, before }) });
    const pid = (await viewOf('files'))?.pid as number;
    for (const risk of [1, 2, 3]) await room.emitRisk('files', risk);
    const granted = [...enabled.granted, 'filesystem:write'] as Installation['granted'];
    const wider = await room.settle({ ...enabled, granted, generation: room.nextGeneration() });
    for (const risk of [4, 5]) await room.emitRisk('files', risk);
    await eventually(async () => expect(await seen('files')).toEqual([1, 2, 3, 4, 5]));
    const moved = (await viewOf('files'))?.pid;
    expect(moved).not.toBe(pid);
    const sql = `SELECT value FROM plugin_runner.metadata WHERE tenant = 'files' AND key = 'unloaded'`;
    expect(await room.rows(sql)).toEqual([{ value: true }]);
    await room.settle({ ...wider, granted: [...granted, 'events:emit'], generation: room.nextGeneration() });
    await room.emitRisk('files', 6);
    await eventually(async () => expect(await seen('files')).toEqual([1, 2, 3, 4, 5, 6]));
    expect((await viewOf('files'))?.pid).toBe(moved);
  });

  test('routes of a plugin between two versions ask to come back, and those of a disabled one are gone', async () => {
    const old = await room.enabled({ tenant: 'between', code: recorder() });
    await room.stepDone(old, 'onDisable', UPDATING);
    const between = await runner.fetch('between', '/api/plugins/recorder/seen');
    expect(between.status).toBe(503);
    expect(Number(between.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await between.json()).toMatchObject({ error: { code: 'UNAVAILABLE' } });
    await room.settle(await room.stepDone(old, 'onEnable', ENABLED));
    expect((await runner.get('between', '/api/plugins/recorder/seen')).status).toBe(200);
    await room.disable(old);
    expect((await runner.get('between', '/api/plugins/recorder/seen')).status).toBe(404);
  });

  test('are reported however long the database is away', async () => {
    const more = `webhooks: () => ({ falls: { handler() { setTimeout(() => { throw new Error("fell"); }); return new Promise(() => 0); } } }),`;
    await room.enabled({ tenant: 'unheard', code: recorder({ more }) });
    const away = 'ALTER TABLE plugin_runner.outbox RENAME TO outbox_away';
    const webhook = { pluginId: 'recorder', receivedAt: NOW, bodyBase64: '', headers: {}, webhook: 'falls', url: '/' };
    const payload = { ...webhook, requestId: randomUUID(), method: 'POST' };
    await room.rows(away);
    try {
      await room.broker.sendAndWait(DeliverWebhook, { tenant: 'unheard', payload }, PATIENCE);
      await eventually(() =>
        expect(runner.lines.filter((line) => line.includes('report of a failure')).length).toBeGreaterThan(1),
      );
    } finally {
      await room.rows('ALTER TABLE plugin_runner.outbox_away RENAME TO outbox');
    }
    await eventually(() => expect(failuresOf('unheard')).toMatchObject([{ during: 'webhook falls' }]));
  });

  const startedWith = async (tenant: string, code: string) => {
    const installed = await room.install({ tenant, code });
    return room.settle({ ...installed, ...ENABLED, generation: room.nextGeneration() });
  };
  const saidBy = async (tenant: string) => {
    const sql = 'SELECT message FROM plugin_runner.plugin_logs WHERE tenant = $1';
    return (await room.rows<{ message: string }>(sql, [tenant])).map(({ message }) => message).join('\n');
  };

  test('for want of what Node itself refuses are not disabled either', async () => {
    // Where Node reads files of its own accord, none of our guards is asked.
    const reads = `process.loadEnvFile('/etc/passwd');`;
    await startedWith('loads', `${reads} module.exports = {};`);
    await startedWith('hooks', recorder({ more: `async onLoad(ctx) { context = ctx; ${reads} },` }));
    await eventually(async () => expect(await viewOf('hooks')).toMatchObject({ stage: 'enabled' }));
    const goesOn = 'onLoad was refused something; the plugin goes on without it';
    await eventually(async () => expect(await saidBy('hooks')).toContain(goesOn));
    await eventually(async () => expect(await saidBy('loads')).toContain('could not be loaded: Access to this API'));
    expect([...failuresOf('loads'), ...failuresOf('hooks')]).toEqual([]);
    const installed = await room.install({ tenant: 'asked', code: `${reads} module.exports = {};` });
    const { outcome } = await room.step(installed, 'onLoad', INSTALLED);
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'PERMISSION_DENIED' } });
  });

  test('because the platform did not answer them are tried again at the next occasion, and not disabled', async () => {
    let away = true;
    const schedules = answering(ScheduleJob, ({ name, timing }) => {
      if (away) throw new PlatformError('UNAVAILABLE', 'The scheduler is being restarted');
      return { name, timing, nextRun: null, lastRun: null, lastOutcome: null, paused: false };
    });
    await room.broker.answerQuestions('scheduler', [schedules]);
    const more = `async onLoad(ctx) { context = ctx; await ctx.scheduler.schedule('daily', () => undefined, { cron: '0 0 * * *' }); },`;
    const enabled = await startedWith('unanswered', recorder({ more }));
    const feigns = `throw Object.assign(new Error('of its own'), { code: 'UNAVAILABLE' });`;
    await startedWith('feigns', `module.exports = { onLoad() { ${feigns} } };`);
    await eventually(() => expect(failuresOf('feigns')).toMatchObject([{ during: 'onLoad' }]));
    await eventually(async () => expect(await saidBy('unanswered')).toContain('The scheduler is being restarted'));
    expect(await saidBy('unanswered')).toContain('The platform could not start the plugin, and tries again');
    await room.emitRisk('unanswered', 1);
    away = false;
    await goOn(enabled);
    await eventually(async () => expect(await seen('unanswered')).toEqual([1]));
    expect(failuresOf('unanswered')).toEqual([]);
  });

  test('for want of a permission at their very first start here are given no events, until an admin grants it', async () => {
    const code = `
      require('node:fs').writeFileSync(require('node:path').join(require('node:os').tmpdir(), 'started'), 'here');
      ${recorder()}`;
    const installed = await room.install({ tenant: 'wanting', code, granted: ['events:listen'] });
    const next = { ...installed, ...ENABLED, generation: room.nextGeneration() };
    await room.settle(next);
    for (const risk of [1, 2]) await room.emitRisk('wanting', risk);
    await eventually(async () => expect(await viewOf('wanting')).toMatchObject({ state: 'stopped', waitingEvents: 0 }));
    await room.emitRisk('wanting', 3);
    const granted: Installation['granted'] = ['events:listen', 'filesystem:write'];
    await room.settle({ ...next, granted, generation: room.nextGeneration() });
    await eventually(async () => expect(await viewOf('wanting')).toMatchObject({ stage: 'enabled' }));
    await room.emitRisk('wanting', 4);
    await eventually(async () => expect(await seen('wanting')).toContain(4));
    expect(await failedEvents('wanting')).toEqual([]);
  });
});
