import { randomBytes } from 'node:crypto';
import { isAlive, tokenOf } from '../../../services/plugin-runner/src/testing/runner-process.ts';
import type { RunnerProcess } from '../../../services/plugin-runner/src/testing/runner-process.ts';
import type { RunnerRoom } from '../../../services/plugin-runner/src/testing/runner-room.ts';
import type { Measurement } from '../frame/bench.ts';
import type { Figure } from '../frame/figure.ts';
import { figureOf } from '../frame/figure.ts';
import { alone } from '../frame/rounds.ts';
import { BareProcess } from './bare-process.ts';
import { PLUGIN_ID, benchPlugin } from './bench-plugin.ts';
import { SteadyLoad } from './load.ts';
import { enabledFor, openRoom, runningIsolates, startRunner, tenantNames } from './runner-under-test.ts';

const NEIGHBOURS = 10;
const REQUESTS_PER_SECOND = 200;
const WINDOW_MS = 4_000;
/** What is still there then is ended by the bench, and the aim is missed. */
const GIVEN_UP_AFTER_MS = 10_000;

/** What each does when it hears of a risk; none takes more than the machine has, also when nobody ends it. */
const badManners = {
  'while(true){}': 'for (;;);',
  'a heap bomb': 'const kept = []; for (;;) kept.push(new Array(100_000).fill(kept.length));',
  'a buffer bomb': `const kept = [];
    const more = () => { if (kept.length < 128) { kept.push(Buffer.alloc(8 * 1024 * 1024, 1)); setTimeout(more, 5); } };
    more();`,
};

export const badNeighbour: Measurement = {
  name: 'bad-neighbour',
  note:
    `${NEIGHBOURS} tenants' routes are asked through the runner process, ${REQUESTS_PER_SECOND} times a second together, for ${WINDOW_MS / 1000} s before (the limit) and ` +
    "while another tenant's plugin misbehaves; its time runs from the event that makes it to the end of its process. A bare process that loops shows what a busy core alone does.",
  async measure(place) {
    const room = await openRoom(place);
    await enabledFor(room, tenantNames(NEIGHBOURS, 'neighbour'), benchPlugin({ routes: true }));
    const runner = await startRunner(room);
    await runningIsolates(runner, NEIGHBOURS);
    await (await neighbours(runner)).until(within(WINDOW_MS));

    const figures: Figure[] = [];
    for (const [manners, onRisk] of Object.entries(badManners)) {
      const { gone, before, during } = await alone(place.rounds, () => misbehave(room, runner, onRisk));
      const figure = `p99 of neighbours' routes beside ${manners}`;
      figures.push(
        figureOf(
          { figure: `an isolate in ${manners} is gone after`, unit: 's', aim: { atMost: 4 } },
          { product: gone },
        ),
        figureOf({ figure, unit: 'ms', aim: { ratioAtMost: 1.25 } }, { product: during, limit: before }),
      );
    }
    const { before, during } = await alone(place.rounds, () => besideBareLoop(runner));
    const figure = "p99 of neighbours' routes beside a bare process that loops";
    return [...figures, figureOf({ figure, unit: 'ms' }, { product: during, limit: before })];
  },
};

async function misbehave(room: RunnerRoom, runner: RunnerProcess, onRisk: string) {
  const tenant = `bad-${randomBytes(4).toString('hex')}`;
  await room.enabled({ tenant, code: benchPlugin({ onRisk }), id: PLUGIN_ID });
  const pid = (await runner.isolates()).find((isolate) => isolate.tenant === tenant)?.pid as number;
  const load = await neighbours(runner);
  try {
    const before = await load.until(within(WINDOW_MS));
    const startedAt = performance.now();
    await room.emitRisk(tenant, 1);
    let gone: number | undefined;
    const atLeast = within(WINDOW_MS);
    const during = await load.until(() => {
      if (gone === undefined && !isAlive(pid)) gone = performance.now() - startedAt;
      if (gone === undefined && performance.now() - startedAt > GIVEN_UP_AFTER_MS) {
        gone = performance.now() - startedAt;
        process.kill(pid, 'SIGKILL');
      }
      return gone !== undefined && atLeast();
    });
    return { gone: (gone as number) / 1000, before, during };
  } finally {
    load.close();
    room.truth.delete(`${tenant}/${PLUGIN_ID}`);
  }
}

async function besideBareLoop(runner: RunnerProcess) {
  const load = await neighbours(runner);
  try {
    const before = await load.until(within(WINDOW_MS));
    const { process: bare } = await BareProcess.start('loops');
    try {
      return { before, during: await load.until(within(WINDOW_MS)) };
    } finally {
      await bare.close();
    }
  } finally {
    load.close();
  }
}

async function neighbours(runner: RunnerProcess): Promise<SteadyLoad> {
  const targets = tenantNames(NEIGHBOURS, 'neighbour').map(async (tenant) => ({
    port: Number(new URL(runner.url).port),
    path: `/api/plugins/${PLUGIN_ID}/ping`,
    headers: { authorization: `Bearer ${await tokenOf(tenant)}` },
  }));
  return new SteadyLoad(await Promise.all(targets), REQUESTS_PER_SECOND);
}

function within(ms: number): () => boolean {
  const startedAt = performance.now();
  return () => performance.now() - startedAt > ms;
}
