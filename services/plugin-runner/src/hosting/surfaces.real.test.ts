import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CancelJobs, FindSurface, ScheduleJob, fact } from '@verifywise/contracts';
import { answering } from '@verifywise/broker';
import { eventually } from '../../../../test/support/eventually.ts';
import { RunnerRoom } from '../testing/runner-room.ts';

const TENANT = 'acme';
const CODE = `module.exports = { onEnable: (ctx) => ctx.on('risk:created', () => undefined) };`;

let room: RunnerRoom;
beforeAll(async () => {
  room = await RunnerRoom.open();
  await room.startRunner();
  await room.broker.answerQuestions('scheduler', [
    answering(ScheduleJob, ({ name, timing }) => ({
      ...{ name, timing, nextRun: null, lastRun: null, lastOutcome: null, attempts: 0, paused: false },
    })),
    answering(CancelJobs, () => ({ cancelled: 1 })),
  ]);
});
afterAll(() => room.close());

const eventsOf = async (pluginId: string) =>
  (await room.broker.ask(FindSurface, { tenant: TENANT, payload: { pluginId } }))?.events;

/** Runs it while the runners cannot store surfaces. */
async function whileNotStored(act: () => Promise<void>): Promise<void> {
  await room.rows('ALTER TABLE plugin_runner.surfaces RENAME TO surfaces_away');
  try {
    await act();
  } finally {
    await room.rows('ALTER TABLE plugin_runner.surfaces_away RENAME TO surfaces');
  }
}

test('what a plugin offers is known, and is gone when it is disabled, also when the database failed at that moment', async () => {
  const installation = await room.install({ tenant: TENANT, code: CODE });
  let enabled = installation;
  await whileNotStored(async () => {
    enabled = await room.enable(installation);
  });
  await eventually(async () => expect(await eventsOf(installation.pluginId)).toEqual(['risk:created']));
  await whileNotStored(async () => {
    await room.disable(enabled);
  });
  await eventually(async () => expect(await eventsOf(installation.pluginId)).toBeUndefined());
});

test('a job that is scheduled or cancelled later is known and gone', async () => {
  const code = `
module.exports = {
  onEnable(ctx) {
    ctx.on('risk:created', () => void ctx.scheduler.schedule('late', () => undefined, { cron: '0 0 * * *' }).catch(() => undefined));
    ctx.on('risk:deleted', () => void ctx.scheduler.cancel('late').catch(() => undefined));
  },
};`;
  const { pluginId } = await room.enabled({ tenant: 'jobs', id: 'scheduling', code });
  const jobs = async () => (await room.broker.ask(FindSurface, { tenant: 'jobs', payload: { pluginId } }))?.jobs;
  expect(await jobs()).toEqual([]);
  await room.emitRisk('jobs', 1);
  await eventually(async () => expect(await jobs()).toEqual(['late']));
  await room.broker.publish(fact('risk.deleted'), { tenant: 'jobs', payload: { riskId: 1 } });
  await eventually(async () => expect(await jobs()).toEqual([]));
});
