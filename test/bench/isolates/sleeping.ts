import { partitionOf } from '@verifywise/contracts';
import type { RunnerProcess } from '../../../services/plugin-runner/src/testing/runner-process.ts';
import { PARTITIONS } from '../../../services/plugin-runner/src/testing/runner-process.ts';
import type { RunnerRoom } from '../../../services/plugin-runner/src/testing/runner-room.ts';
import type { Measurement } from '../frame/bench.ts';
import { figureOf } from '../frame/figure.ts';
import { alone } from '../frame/rounds.ts';
import { PLUGIN_ID, benchPlugin } from './bench-plugin.ts';
import { memoryOf } from './process-memory.ts';
import { enabledFor, openRoom, runningIsolates, startRunner, tenantNames } from './runner-under-test.ts';

const PLUGINS = 2_000;
const AWAKE = 100;
const NEVER_IN_THIS_RUN = '600';

export const sleeping: Measurement = {
  name: 'sleeping',
  note:
    `a runner starts and takes over ${PLUGINS} enabled plugins of as many tenants, of which ${AWAKE} are awake and start, and the others sleep on; ` +
    'the time is from the start of its process until all are hosted and those that are awake run.',
  async measure(place) {
    const room = await openRoom(place);
    const tenants = tenantNames(PLUGINS);
    await enabledFor(room, tenants.slice(0, AWAKE), benchPlugin({ routes: true }));
    const first = await startRunner(room, { RUNNER_IDLE_STOP_MINUTES: NEVER_IN_THIS_RUN });
    await runningIsolates(first, AWAKE);
    await room.stopRunners();
    await fallenAsleep(room, tenants.slice(AWAKE));

    const turns = await alone(place.rounds, async () => {
      const startedAt = performance.now();
      const runner = await startRunner(room, { RUNNER_IDLE_STOP_MINUTES: NEVER_IN_THIS_RUN });
      await hosted(runner);
      const seconds = (performance.now() - startedAt) / 1000;
      const { pssMb } = await memoryOf(runner.child.pid as number);
      await room.stopRunners();
      return { seconds, pssMb };
    });
    const what = `${PLUGINS} enabled plugins of which ${AWAKE} are awake`;
    return [
      figureOf({ figure: `taking over ${what}`, unit: 's' }, { product: turns.seconds }),
      figureOf({ figure: `the runner's own memory with ${what}: PSS`, unit: 'MB' }, { product: turns.pssMb }),
    ];
  },
};

/** As if a runner before had enabled them and put them to sleep; starting every one of them would take minutes. */
async function fallenAsleep(room: RunnerRoom, tenants: string[]): Promise<void> {
  const like = [...room.truth.values()][0];
  if (!like) throw new Error('No plugin is enabled that the others could be like');
  for (const tenant of tenants) room.truth.set(`${tenant}/${PLUGIN_ID}`, { ...like, tenant });
  await room.rows(
    `INSERT INTO plugin_runner.installations (tenant, plugin_id, partition, generation, installation)
     SELECT tenant, $3, partition, $4, $5::jsonb || jsonb_build_object('tenant', tenant)
       FROM unnest($1::text[], $2::int[]) AS t (tenant, partition)`,
    [
      tenants,
      tenants.map((tenant) => partitionOf(tenant, PARTITIONS)),
      PLUGIN_ID,
      like.generation,
      JSON.stringify(like),
    ],
  );
  await room.rows(
    `INSERT INTO plugin_runner.surfaces (tenant, plugin_id, version, generation, surface, asleep)
     SELECT t.tenant, plugin_id, version, generation, surface, true
       FROM plugin_runner.surfaces, unnest($1::text[]) AS t (tenant) WHERE surfaces.tenant = $2`,
    [tenants, like.tenant],
  );
}

async function hosted(runner: RunnerProcess): Promise<void> {
  await runningIsolates(runner, AWAKE);
  const isolates = await runner.isolates();
  const asleep = isolates.filter((isolate) => isolate.sleeping).length;
  if (asleep !== PLUGINS - AWAKE) throw new Error(`Of ${isolates.length} plugins ${asleep} sleep`);
}
