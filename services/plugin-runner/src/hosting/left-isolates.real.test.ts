import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../../../../test/support/eventually.ts';
import { RunnerRoom } from '../testing/runner-room.ts';
import { isAlive } from '../testing/runner-process.ts';

/** A machine without setpriv and prlimit. */
const WITHOUT_TOOLS = { PATH: '/nowhere', ISOLATE_HANG_LIMIT_MS: '600000' };
const LOOPS = `module.exports = { onEnable: () => void setTimeout(() => { for (;;); }, 100) };`;

let room: RunnerRoom;
beforeAll(async () => {
  room = await RunnerRoom.open();
});
afterAll(() => room.close());

test('a loop that outlives its runner, because no tool of the system ends it, is ended by the next runner', async () => {
  const killed = await room.startRunner(WITHOUT_TOOLS);
  const loops = [
    await room.install({ tenant: 'acme', code: LOOPS }),
    await room.install({ tenant: 'globex', code: LOOPS }),
  ];
  const enabled = await Promise.all(loops.map((installation) => room.enable(installation)));
  const pids = await killed.childPids();
  expect(pids).toHaveLength(2);
  expect(killed.lines.filter((line) => line.includes('There is no setpriv'))).toHaveLength(1);
  await eventually(async () =>
    expect((await killed.isolates()).every(({ cpuSeconds }) => cpuSeconds > 0.5)).toBe(true),
  );
  await killed.stop('SIGKILL');
  // They loop, so nothing in them notices that their runner is gone.
  expect(pids.map(isAlive)).toEqual([true, true]);
  for (const one of enabled) room.truth.set(`${one.tenant}/${one.pluginId}`, { ...one, desired: 'disabled' });

  const next = await room.startRunner(WITHOUT_TOOLS);
  await eventually(() => expect(pids.map(isAlive)).toEqual([false, false]));
  expect(next.lines.filter((line) => line.includes('a runner that was killed'))).toHaveLength(2);
});
