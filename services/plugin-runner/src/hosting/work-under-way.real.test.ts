import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Installation } from '@verifywise/contracts';
import { DeliverWebhook, RunJob } from '@verifywise/contracts';
import { eventually } from '../../../../test/support/eventually.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

const DISABLED = { state: 'disabled', desired: 'disabled' } as const;
const UPDATING = { state: 'updating', desired: 'enabled' } as const;
const PATIENCE = { deadlineMs: 15_000 };

/** A job, a webhook and a route that each say when they begin and take as long as they are told. */
const worker = (tookMs: number) => `
let context;
const work = async (what) => {
  await context.metadata.set('work', 0, what, 'begun');
  await new Promise((done) => setTimeout(done, ${tookMs}));
  await context.metadata.set('work', 0, what, 'done');
};
module.exports = {
  onEnable(ctx) {
    context = ctx;
    ctx.scheduler.schedule('slow', () => work('job'), { cron: '0 0 * * *' }).catch(() => undefined);
  },
  webhooks: () => ({ slow: { handler: async (req, res) => { await work('webhook'); res.json('done'); } } }),
  routes(router) {
    router.get('/quick', (req, res) => res.json('here'));
    router.get('/slow', async (req, res) => { await work('route'); res.json('done'); });
  },
};`;

describe('what a plugin is doing when it is updated or disabled', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  beforeAll(async () => {
    room = await RunnerRoom.open();
    runner = await room.startRunner();
  });
  afterAll(() => room.close());

  const told = async (tenant: string) =>
    Object.fromEntries(
      (
        await room.rows<{ key: string; value: string }>(
          `SELECT key, value FROM plugin_runner.metadata WHERE tenant = $1 AND entity_type = 'work'`,
          [tenant],
        )
      ).map(({ key, value }) => [key, value]),
    );

  /** A job, a webhook and a request that have begun, and what will become of them. */
  async function begun(tenant: string, tookMs: number, version: string) {
    const installation = await room.enabled({ tenant, version, code: worker(tookMs) });
    const now = new Date().toISOString();
    const job = { pluginId: 'recorder', schedule: 'slow', fireId: randomUUID(), attempt: 0, data: {}, dueAt: now };
    const hook = {
      pluginId: 'recorder',
      webhook: 'slow',
      requestId: randomUUID(),
      method: 'POST',
      url: '',
      headers: {},
    };
    const outcomes = Promise.all([
      room.broker.sendAndWait(RunJob, { tenant, payload: { ...job, limitMs: 60_000 } }, PATIENCE),
      room.broker.sendAndWait(
        DeliverWebhook,
        { tenant, payload: { ...hook, bodyBase64: '', receivedAt: now } },
        PATIENCE,
      ),
      runner.fetch(tenant, '/api/plugins/recorder/slow'),
    ]);
    await eventually(async () =>
      expect(await told(tenant)).toEqual({ job: 'begun', webhook: 'begun', route: 'begun' }),
    );
    return { installation, outcomes };
  }

  const leaves = async (installation: Installation, aim: Pick<Installation, 'state' | 'desired'>) => {
    await room.stepDone(installation, 'onDisable', aim);
    await room.stepDone(installation, 'onUnload', aim);
  };

  test('is done first', async () => {
    const { installation, outcomes } = await begun('patient', 1_500, '1.0.0');
    await leaves(installation, UPDATING);
    const [job, webhook, route] = await outcomes;
    expect([job.outcome, webhook.outcome, route.status]).toEqual(['done', 'answered', 200]);
    expect(await told('patient')).toEqual({ job: 'done', webhook: 'done', route: 'done' });
  });

  test('nothing new begins meanwhile', async () => {
    const { installation, outcomes } = await begun('closes', 1_500, '2.0.0');
    const leaving = leaves(installation, DISABLED);
    await eventually(async () => expect((await runner.get('closes', '/api/plugins/recorder/quick')).status).toBe(404));
    expect(await told('closes')).toEqual({ job: 'begun', webhook: 'begun', route: 'begun' });
    await leaving;
    expect((await outcomes)[2].status).toBe(200);
  });

  test.each([
    ['an update', 'updated', UPDATING, 'was updated'],
    ['the end of being enabled', 'disabled', DISABLED, 'was disabled'],
  ])('has not failed when it is cut off by %s', async (_what, tenant, aim, because) => {
    const { installation, outcomes } = await begun(tenant, 60_000, '1.0.0');
    await leaves(installation, aim);
    const [job, webhook, route] = await outcomes;
    const cutOff = { outcome: 'not-enabled', error: { message: expect.stringContaining(because) } };
    expect([job, webhook]).toMatchObject([cutOff, cutOff]);
    expect(route.status).toBe(503);
    expect(Number(route.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await route.json()).toMatchObject({ error: { message: expect.stringContaining(because) } });
  });
});
