import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { hearing } from '@verifywise/broker';
import { PluginLoaded, PluginUnloaded } from '@verifywise/contracts';
import { eventually } from '../../../../test/support/eventually.ts';
import { RunnerRoom } from '../testing/runner-room.ts';

let room: RunnerRoom;
beforeAll(async () => {
  room = await RunnerRoom.open();
});
afterAll(() => room.close());

test('that plugins were loaded and unloaded is told of each in order, also by a runner that stops', async () => {
  const heard: string[] = [];
  await room.broker.subscribe('scheduler', [
    hearing(PluginLoaded, ({ pluginId }, { tenant }) =>
      Promise.resolve(void heard.push(`${tenant} ${pluginId} loaded`)),
    ),
    hearing(PluginUnloaded, ({ pluginId }, { tenant }) =>
      Promise.resolve(void heard.push(`${tenant} ${pluginId} unloaded`)),
    ),
  ]);
  const runner = await room.startRunner();
  const tenants = ['acme', 'globex', 'initech'];
  for (const tenant of tenants) await room.enabled({ tenant, id: 'told', code: 'module.exports = {};' });
  await eventually(() => expect(heard.filter((one) => one.endsWith(' loaded'))).toHaveLength(3));
  await runner.stop('SIGTERM');
  // What the broker had not confirmed by then is on disk, and the next runner's to tell.
  await room.startRunner();
  await eventually(() => {
    for (const tenant of tenants) {
      const ofTenant = heard.filter((one) => one.startsWith(`${tenant} `));
      expect(ofTenant.slice(0, 3)).toEqual([
        `${tenant} told loaded`,
        `${tenant} told unloaded`,
        `${tenant} told loaded`,
      ]);
    }
  });
});
