import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { hearing } from '@verifywise/broker';
import type { PluginFailure } from '@verifywise/contracts';
import { PluginFailed } from '@verifywise/contracts';
import { eventually } from '../../../../test/support/eventually.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

/** Handles risk 1 when its test says so, all others at once, and loses its process at every risk 13. */
const gated = (options: string) => `
const heard = [];
let context;
module.exports = {
  onLoad(ctx) { context = ctx; },
  onEnable(ctx) {
    ctx.on('risk:created', async ({ riskId }) => {
      while (riskId === 1 && !(await ctx.metadata.get('gate', 0, 'open'))) await new Promise((done) => setTimeout(done, 20));
      if (riskId === 13) { setImmediate(() => { throw new Error('poison'); }); await new Promise(() => undefined); }
      heard.push(riskId);
    }, ${options});
  },
  routes(router) { router.get('/heard', (req, res) => res.json({ heard })); },
};`;

let room: RunnerRoom;
let runner: RunnerProcess;
const failures: (PluginFailure & { tenant: string | null })[] = [];
beforeAll(async () => {
  room = await RunnerRoom.open();
  runner = await room.startRunner();
  await room.broker.subscribe('installer', [
    hearing(PluginFailed, (failure, { tenant }) => {
      failures.push({ ...failure, tenant });
      return Promise.resolve();
    }),
  ]);
});
afterAll(() => room.close());

const heard = async (tenant: string) =>
  (await runner.get(tenant, '/api/plugins/recorder/heard')).body.heard as number[];
const openGate = (tenant: string) =>
  room.rows(
    `INSERT INTO plugin_runner.metadata (tenant, plugin_id, entity_type, entity_id, key, value)
     VALUES ($1, 'recorder', 'gate', 0, 'open', 'true')`,
    [tenant],
  );
const emit = async (tenant: string, risks: number[]) => {
  for (const risk of risks) await room.emitRisk(tenant, risk);
};

test('one version hears events about different risks beside each other, the other one everything in order', async () => {
  await room.enabled({ tenant: 'ordered', version: '2.0.0', code: gated(`{ orderedBy: 'riskId' }`) });
  await room.enabled({ tenant: 'all', version: '1.0.0', code: gated('{}') });
  for (const tenant of ['ordered', 'all']) await emit(tenant, [1, 1, 2, 3, 2]);
  await eventually(async () => expect(await heard('ordered')).toEqual([2, 3, 2]));
  expect(await heard('all')).toEqual([]);
  for (const tenant of ['ordered', 'all']) await openGate(tenant);
  await eventually(async () => expect(await heard('ordered')).toEqual([2, 3, 2, 1, 1]));
  await eventually(async () => expect(await heard('all')).toEqual([1, 1, 2, 3, 2]));
});

test('of those beside each other the one that ends the process is set aside, and it alone', async () => {
  const installation = await room.enabled({ tenant: 'poisoned', code: gated(`{ orderedBy: 'riskId' }`) });
  await emit('poisoned', [1, 4]);
  await eventually(async () => expect(await heard('poisoned')).toEqual([4]));
  // Risk 1 is being handled when the process ends, both times.
  const poison = await room.emitRisk('poisoned', 13);
  const crashes = () => failures.filter(({ tenant }) => tenant === 'poisoned').length;
  await eventually(() => expect(crashes()).toBe(1));
  await emit('poisoned', [5]);
  await openGate('poisoned');
  await room.settle({ ...installation, generation: room.nextGeneration() });
  await eventually(() => expect(crashes()).toBe(2));
  await room.settle({ ...installation, generation: room.nextGeneration() });
  await eventually(async () => expect(await heard('poisoned')).toEqual([5]));
  const sql = `SELECT event_id, error->>'message' AS message FROM plugin_runner.failed_deliveries WHERE tenant = 'poisoned'`;
  expect(await room.rows(sql)).toEqual([{ event_id: poison, message: 'poison' }]);
});
