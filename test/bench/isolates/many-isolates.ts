import type { Measurement } from '../frame/bench.ts';
import { figureOf } from '../frame/figure.ts';
import { alone } from '../frame/rounds.ts';
import { benchPlugin } from './bench-plugin.ts';
import { memoryOf } from './process-memory.ts';
import { enabledFor, openRoom, runningIsolates, startRunner, tenantNames } from './runner-under-test.ts';
import { PLUGIN_ID } from './bench-plugin.ts';

const ISOLATES = 300;

export const manyIsolates: Measurement = {
  name: 'many',
  note:
    `a runner that starts takes over ${ISOLATES} tenants with a plugin with routes each, then every one of them is asked for its route; ` +
    'the time is from the start of its process until the last isolate runs.',
  async measure(place) {
    const room = await openRoom(place);
    const tenants = tenantNames(ISOLATES);
    await enabledFor(room, tenants, benchPlugin({ routes: true }));
    // The first runner of a room learns of installations from the installer; those after it find them in the runners' own tables.
    const first = await startRunner(room);
    await runningIsolates(first, ISOLATES);
    await room.stopRunners();
    const turns = await alone(place.rounds, async () => {
      const startedAt = performance.now();
      const runner = await startRunner(room);
      await runningIsolates(runner, ISOLATES);
      const seconds = (performance.now() - startedAt) / 1000;
      let answers = 0;
      for (const tenant of tenants) {
        if ((await runner.fetch(tenant, `/api/plugins/${PLUGIN_ID}/ping`)).status === 200) answers += 1;
      }
      const { pssMb } = await memoryOf(runner.child.pid as number);
      await room.stopRunners();
      return { seconds, answers, pssMb };
    });
    return [
      figureOf(
        { figure: `running isolates of one runner that answer`, unit: 'isolates', aim: { atLeast: ISOLATES } },
        { product: turns.answers },
      ),
      figureOf({ figure: `taking over ${ISOLATES} running isolates`, unit: 's' }, { product: turns.seconds }),
      figureOf(
        { figure: `the runner's own memory with ${ISOLATES} running isolates: PSS`, unit: 'MB' },
        { product: turns.pssMb },
      ),
    ];
  },
};
