import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../../../../test/support/eventually.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import type { RunnerProcess } from '../testing/runner-process.ts';

/** Says when it handled each event, and computes for so long at each. */
const computing = (ms: number) => `
const handled = [];
module.exports = {
  onEnable(ctx) {
    ctx.on('risk:created', (payload) => {
      const until = performance.now() + ${ms};
      while (performance.now() < until);
      handled.push({ riskId: payload.riskId, at: Date.now() });
    });
  },
  routes(router) { router.get('/handled', (req, res) => res.json({ handled })); },
};`;

interface Handled {
  riskId: number;
  at: number;
}

let room: RunnerRoom;
let runner: RunnerProcess;
beforeAll(async () => {
  room = await RunnerRoom.open();
  runner = await room.startRunner({ EVENT_HANDLERS_AT_ONCE: '1', EVENT_HANDLERS_OF_A_TENANT: '1' });
});
afterAll(() => room.close());

const handledBy = async (tenant: string) =>
  (await runner.get(tenant, '/api/plugins/recorder/handled')).body.handled as Handled[];
const emit = async (tenant: string, count: number) => {
  for (let risk = 1; risk <= count; risk += 1) await room.emitRisk(tenant, risk);
};

test('a tenant whose handlers compute for long costs another one its share of the time, not a turn for every turn', async () => {
  await room.enabled({ tenant: 'noisy', version: '1.0.0', code: computing(50) });
  await room.enabled({ tenant: 'quiet', version: '2.0.0', code: computing(1) });
  await emit('noisy', 80);
  await eventually(async () => expect((await handledBy('noisy')).length).toBeGreaterThan(3));
  await emit('quiet', 30);
  await eventually(async () => expect(await handledBy('quiet')).toHaveLength(30));
  await eventually(async () => expect(await handledBy('noisy')).toHaveLength(80));
  const [noisy, quiet] = [await handledBy('noisy'), await handledBy('quiet')];
  expect(noisy.map(({ riskId }) => riskId)).toEqual(Array.from({ length: 80 }, (_nothing, at) => at + 1));
  const [first, last] = [quiet[0]?.at ?? 0, quiet.at(-1)?.at ?? 0];
  // In turns without regard to their length it would have been one of them for each.
  expect(noisy.filter(({ at }) => at > first && at < last).length).toBeLessThan(15);
});
