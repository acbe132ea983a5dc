import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApplyInstallation, FindSurface } from '@verifywise/contracts';
import { eventually } from '../../../../test/support/eventually.ts';
import { recorder } from '../testing/recorder.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

const ENABLED = { state: 'enabled', desired: 'enabled' } as const;
const DISABLED = { state: 'disabled', desired: 'disabled' } as const;
const INSTALLED = { state: 'installed', desired: 'disabled' } as const;
/** What every step of an update of an enabled plugin says, up to the last. */
const UPDATING = { state: 'updating', desired: 'enabled' } as const;
const UPDATE = { reason: 'update', fromVersion: '1.0.0' } as const;

describe('the operations of an installer', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runner = await room.startRunner();
  });
  afterAll(() => room.close());

  const seen = async (tenant: string) => (await runner.get(tenant, '/api/plugins/recorder/seen')).body.seen;
  const stages = async (tenant: string) =>
    (await runner.isolates()).filter((isolate) => isolate.tenant === tenant).map(({ stage }) => stage);

  test('a disabled plugin hears nothing, its routes are gone, and enabled again it goes on', async () => {
    const installation = await room.enabled({ tenant: 'quiet', code: recorder() });
    await room.emitRisk('quiet', 1);
    await eventually(async () => expect(await seen('quiet')).toEqual([1]));
    const ask = () => room.broker.ask(FindSurface, { tenant: 'quiet', payload: { pluginId: 'recorder' } });
    expect(await ask()).toMatchObject({ events: ['risk:created'] });
    const disabled = await room.disable(installation);
    expect((await runner.get('quiet', '/api/plugins/recorder/seen')).status).toBe(404);
    await eventually(async () => expect(await ask()).toBeNull());
    await room.emitRisk('quiet', 2);
    await room.settle(await room.stepDone(disabled, 'onEnable', ENABLED));
    await room.emitRisk('quiet', 3);
    await eventually(async () => expect(await seen('quiet')).toEqual([1, 3]));
  });

  test('enabled again before the word of its disabling came, a plugin begins in another process', async () => {
    const enabled = await room.enabled({ tenant: 'hasty', code: recorder() });
    const pid = async () => (await runner.isolates()).find(({ tenant }) => tenant === 'hasty')?.pid;
    const before = await pid();
    const disabled = await room.stepDone(enabled, 'onDisable', DISABLED);
    await room.settle(await room.stepDone(disabled, 'onEnable', ENABLED));
    expect(before).toEqual(expect.any(Number));
    expect(await pid()).toEqual(expect.any(Number));
    expect(await pid()).not.toBe(before);
  });

  test('events that come while a plugin is being updated are handled by the new version', async () => {
    const old = await room.enabled({ tenant: 'grows', code: recorder() });
    await room.stepDone(old, 'onDisable', UPDATING, UPDATE);
    await room.emitRisk('grows', 1);
    await room.stepDone(old, 'onUnload', UPDATING, UPDATE);
    await room.emitRisk('grows', 2);
    const next = await room.install({ tenant: 'grows', version: '2.0.0', code: recorder({ version: '2.0.0' }) });
    room.truth.set('grows/recorder', { ...old, state: 'updating' });
    await room.stepDone(next, 'onInstall', UPDATING, UPDATE);
    await room.emitRisk('grows', 3);
    await room.stepDone(next, 'onLoad', UPDATING, UPDATE);
    await room.settle(await room.stepDone(next, 'onEnable', ENABLED, UPDATE));
    await eventually(async () => expect(await seen('grows')).toEqual([1, 2, 3]));
    const { heard } = (await runner.get('grows', '/api/plugins/recorder/seen')).body;
    expect(heard).toMatchObject([{ version: '2.0.0' }, { version: '2.0.0' }, { version: '2.0.0' }]);
  });

  test('an update that fails gives the events that came meanwhile to the version that was restored', async () => {
    const old = await room.enabled({ tenant: 'returns', code: recorder() });
    await room.stepDone(old, 'onDisable', UPDATING, UPDATE);
    await room.emitRisk('returns', 1);
    await room.stepDone(old, 'onUnload', UPDATING, UPDATE);
    const code = `module.exports = { onInstall() { throw new Error('cannot migrate'); } };`;
    const next = await room.install({ tenant: 'returns', version: '2.0.0', code });
    room.truth.set('returns/recorder', { ...old, state: 'updating' });
    const { outcome } = await room.step(next, 'onInstall', UPDATING, UPDATE);
    expect(outcome).toMatchObject({ kind: 'failed', error: { message: expect.stringContaining('cannot migrate') } });
    await room.stepDone(old, 'onLoad', UPDATING);
    await room.settle(await room.stepDone(old, 'onEnable', ENABLED));
    await eventually(async () => expect(await seen('returns')).toEqual([1]));
  });

  test('a step of an operation that has ended does nothing', async () => {
    const installation = await room.install({ tenant: 'late', code: recorder() });
    await room.stepDone(installation, 'onInstall', INSTALLED);
    const stale = { ...installation, ...ENABLED, generation: room.nextGeneration() };
    await room.settle({ ...installation, state: 'error', desired: 'disabled', generation: room.nextGeneration() });
    expect(await room.send(stale, 'onEnable')).toMatchObject({ kind: 'failed', error: { code: 'CONFLICT' } });
    await eventually(async () => expect(await stages('late')).toEqual(['none']));
  });

  test('what the installer decides while a hook runs counts when the hook is done', async () => {
    const code = `module.exports = { async onEnable() { await new Promise((r) => setTimeout(r, 800)); } };`;
    const installation = await room.install({ tenant: 'minds', code });
    await room.stepDone(installation, 'onInstall', INSTALLED);
    const enabling = room.step(installation, 'onEnable', ENABLED);
    await eventually(async () => expect(await stages('minds')).toEqual(['loaded']));
    await room.settle({ ...installation, state: 'error', desired: 'disabled', generation: room.nextGeneration() });
    await enabling;
    await eventually(async () => expect(await stages('minds')).toEqual(['none']));
  });

  test('an older word of the installer neither disables nor enables', async () => {
    const before = await room.install({ tenant: 'steady', code: recorder() });
    const enabled = await room.enable(before);
    const tell = (installation: typeof before) =>
      room.broker.send(ApplyInstallation, { tenant: 'steady', payload: { installation } });
    await tell({ ...before, ...DISABLED });
    await room.emitRisk('steady', 1);
    await eventually(async () => expect(await seen('steady')).toEqual([1]));
    await room.disable(enabled);
    await tell(enabled);
    await eventually(async () => expect(await stages('steady')).toEqual(['none']));
    expect((await runner.get('steady', '/api/plugins/recorder/seen')).status).toBe(404);
  });

  test('an installed plugin stays loaded, and changed settings do not unload it', async () => {
    const installation = await room.install({ tenant: 'waits', code: recorder() });
    await room.stepDone(installation, 'onInstall', INSTALLED);
    const installed = await room.settle(await room.stepDone(installation, 'onLoad', INSTALLED));
    await room.settle({ ...installed, generation: room.nextGeneration() });
    expect(await stages('waits')).toEqual(['loaded']);
  });

  test('a repeated step is answered from the first time, not run again', async () => {
    const code = `module.exports = { async onLoad(ctx) {
      await ctx.metadata.set('system', 0, 'loads', ((await ctx.metadata.get('system', 0, 'loads')) ?? 0) + 1);
    }, routes(router) { router.get('/loads', async (req, res) => res.json({ loads: await c.metadata.get('system', 0, 'loads') })); },
    onEnable(ctx) { c = ctx; } }; let c;`;
    const installation = await room.install({ tenant: 'repeats', code });
    await room.stepDone(installation, 'onInstall', INSTALLED);
    const snapshot = { ...installation, ...INSTALLED, generation: room.nextGeneration() };
    const stepId = randomUUID();
    const first = await room.send(snapshot, 'onLoad', {}, { stepId });
    expect(await room.send(snapshot, 'onLoad', {}, { stepId })).toEqual(first);
    await room.settle(await room.stepDone(snapshot, 'onEnable', ENABLED));
    expect((await runner.get('repeats', '/api/plugins/recorder/loads')).body).toEqual({ loads: 1 });
  });

  test('a hook that throws is a failed step with the stack of the plugin', async () => {
    const installation = await room.install({
      tenant: 'throws',
      code: `module.exports = { onInstall() { throw new Error('no table'); } };`,
    });
    const { outcome } = await room.step(installation, 'onInstall', INSTALLED);
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'HOOK_FAILED', message: expect.stringContaining('no table') },
    });
    expect(JSON.stringify(outcome)).toContain('index.js');
  });

  test('an installation that was undone or removed leaves nothing running', async () => {
    const undone = await room.install({ tenant: 'undone', code: `module.exports = { onLoad() { throw 1; } };` });
    await room.stepDone(undone, 'onInstall', INSTALLED);
    expect((await room.step(undone, 'onLoad', INSTALLED)).outcome.kind).toBe('failed');
    await room.forget(undone);
    const removed = await room.enabled({ tenant: 'removed', code: recorder() });
    await room.forget(removed);
    await eventually(async () => expect([...(await stages('undone')), ...(await stages('removed'))]).toEqual([]));
    expect((await runner.get('removed', '/api/plugins/recorder/seen')).status).toBe(404);
  });

  test('after 30 rounds of enabling and disabling there is one process, and one private folder', async () => {
    let installation = await room.enabled({ tenant: 'rounds', code: recorder() });
    const before = (await runner.childPids()).length;
    for (let round = 0; round < 30; round += 1) {
      const disabled = await room.disable(installation);
      installation = await room.settle(await room.stepDone(disabled, 'onEnable', ENABLED));
    }
    expect((await runner.childPids()).length).toBe(before);
    await room.emitRisk('rounds', 1);
    await eventually(async () => expect(await seen('rounds')).toEqual([1]));
  });
});
