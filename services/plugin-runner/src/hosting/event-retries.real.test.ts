import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../../../../test/support/eventually.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

const DISABLED = { state: 'disabled', desired: 'disabled' } as const;
const ENABLED = { state: 'enabled', desired: 'enabled' } as const;

/** Two handlers of one event: the first fails at risk 13 as often as `fails` says, the second never. */
const twoHandlers = (fails: number, attempts: number, delay: number) => `
const note = async (ctx, key, risk) => ctx.metadata.set('log', 0, key, [...((await ctx.metadata.get('log', 0, key)) ?? []), risk]);
let context;
let failed = 0;
module.exports = {
  onLoad(ctx) { context = ctx; },
  onEnable(ctx) {
    ctx.on('risk:created', async (payload) => {
      await note(ctx, 'first', payload.riskId);
      if (payload.riskId === 13 && (failed += 1) <= ${fails}) throw new Error('not yet');
    }, { retry: { attempts: ${attempts}, backoff: { type: 'fixed', delay: ${delay} } } });
    ctx.on('risk:created', (payload) => note(ctx, 'second', payload.riskId));
  },
  routes(router) {
    router.get('/seen', async (req, res) =>
      res.json({ first: await context.metadata.get('log', 0, 'first'), second: await context.metadata.get('log', 0, 'second') }));
  },
};`;

describe('a handler that asked to be called again', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runner = await room.startRunner();
  });
  afterAll(() => room.close());

  const seen = async (tenant: string) => (await runner.get(tenant, '/api/plugins/recorder/seen')).body;
  const failedDeliveries = async (tenant: string) =>
    room.rows('SELECT event_id, error FROM plugin_runner.failed_deliveries WHERE tenant = $1', [tenant]);

  test('is, alone and before the next event, until it works', async () => {
    await room.enabled({ tenant: 'works', version: '1.0.0', code: twoHandlers(2, 5, 50) });
    for (const risk of [1, 13, 2]) await room.emitRisk('works', risk);
    await eventually(async () =>
      expect(await seen('works')).toEqual({ first: [1, 13, 13, 13, 2], second: [1, 13, 2] }),
    );
    expect(await failedDeliveries('works')).toEqual([]);
  });

  test('as often as it asked, and is kept as failed then', async () => {
    await room.enabled({ tenant: 'fails', version: '2.0.0', code: twoHandlers(99, 3, 20) });
    const guilty = await room.emitRisk('fails', 13);
    await room.emitRisk('fails', 2);
    await eventually(async () => expect(await seen('fails')).toEqual({ first: [13, 13, 13, 2], second: [13, 2] }));
    expect(await failedDeliveries('fails')).toMatchObject([{ event_id: guilty, error: { message: 'not yet' } }]);
  });

  test('does not keep its plugin from being disabled, and what waited is kept as failed', async () => {
    const installation = await room.enabled({ tenant: 'waits', code: twoHandlers(99, 20, 60_000) });
    const guilty = await room.emitRisk('waits', 13);
    await eventually(async () => expect(await seen('waits')).toEqual({ first: [13], second: [13] }));
    const disabled = await room.stepDone(installation, 'onDisable', DISABLED);
    await eventually(async () => expect(await failedDeliveries('waits')).toMatchObject([{ event_id: guilty }]));
    await room.settle(await room.stepDone(disabled, 'onEnable', ENABLED));
    await room.emitRisk('waits', 2);
    await eventually(async () => expect(await seen('waits')).toEqual({ first: [13, 2], second: [13, 2] }));
  });

  test('with something that is no retry is told so', async () => {
    const code = `module.exports = { onEnable(ctx) { ctx.on('risk:created', () => 1, { retry: { attempts: 1000 } }); } };`;
    const installation = await room.install({ tenant: 'odd', code });
    const { outcome } = await room.step(installation, 'onEnable', ENABLED);
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { message: expect.stringContaining('attempts from 1 to 20') },
    });
  });

  test('is forgotten with its plugin, and its neighbour is not given the event twice', async () => {
    const code = twoHandlers(0, 1, 50).replaceAll('recorder', 'neighbour');
    await room.enabled({ tenant: 'leaves', id: 'neighbour', code });
    const leaving = await room.enabled({ tenant: 'leaves', id: 'leaving', code: twoHandlers(99, 20, 60_000) });
    await room.emitRisk('leaves', 13);
    const heard = async () => (await runner.get('leaves', '/api/plugins/neighbour/seen')).body;
    const tried = async () => (await runner.get('leaves', '/api/plugins/leaving/seen')).body;
    await eventually(async () => expect(await heard()).toMatchObject({ first: [13] }));
    await eventually(async () => expect(await tried()).toMatchObject({ first: [13] }));
    await room.forget(leaving);
    await eventually(async () => expect((await runner.get('leaves', '/api/plugins/leaving/seen')).status).toBe(404));
    const first = runner;
    runner = await room.startRunner();
    await first.stop('SIGTERM');
    await room.emitRisk('leaves', 2);
    await eventually(async () => expect(await heard()).toEqual({ first: [13, 2], second: [13, 2] }));
  });
});
