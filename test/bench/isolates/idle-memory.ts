import { setTimeout as pause } from 'node:timers/promises';
import type { BenchPlace, Measurement } from '../frame/bench.ts';
import { figureOf } from '../frame/figure.ts';
import { inTurn } from '../frame/rounds.ts';
import { BareProcess } from './bare-process.ts';
import { benchPlugin } from './bench-plugin.ts';
import { PluginFolder } from './direct-isolate.ts';
import { meanMemoryOf } from './process-memory.ts';
import { enabledFor, openRoom, runningIsolates, startRunner, tenantNames } from './runner-under-test.ts';

const PROCESSES = 100;
const STARTED_AT_ONCE = 4;
/** After a start V8 still tidies up. */
const UNTIL_IDLE_MS = 3_000;
const AIM = { ratioAtMost: 1.8 };
const kinds = { 'events only': benchPlugin(), 'with routes': benchPlugin({ routes: true }) };

export const idleMemory: Measurement = {
  name: 'memory',
  note:
    `${PROCESSES} tenants' isolates in one runner process, idle for ${UNTIL_IDLE_MS / 1000} s, from /proc/<pid>/smaps_rollup: the mean of all; ` +
    `the limit is ${PROCESSES} forked Node processes that have required the same file and are idle. They are never there together.`,
  async measure(place) {
    const figures = [];
    for (const [kind, code] of Object.entries(kinds)) {
      const folder = place.closers.add(await PluginFolder.with(code));
      const room = await openRoom(place);
      await enabledFor(room, tenantNames(PROCESSES), code);
      const { product, limit } = await inTurn(place.rounds, {
        limit: () => bareMemory(place, folder.entry),
        product: async () => {
          const runner = await startRunner(room);
          const pids = await runningIsolates(runner, PROCESSES);
          await pause(UNTIL_IDLE_MS);
          const { pssMb, privateMb } = await meanMemoryOf(pids);
          await room.stopRunners();
          return { pssMb, privateMb };
        },
      });
      await room.close();
      const what = `memory per idle isolate at ${PROCESSES}, ${kind}`;
      figures.push(
        figureOf({ figure: `${what}: PSS`, unit: 'MB', aim: AIM }, { product: product.pssMb, limit: limit.pssMb }),
        figureOf({ figure: `${what}: private`, unit: 'MB' }, { product: product.privateMb, limit: limit.privateMb }),
      );
    }
    return figures;
  },
};

async function bareMemory({ closers }: BenchPlace, file: string): Promise<{ pssMb: number; privateMb: number }> {
  const processes: BareProcess[] = [];
  closers.addStep('bare processes', () => Promise.all(processes.map((bare) => bare.close())));
  const lane = async () => {
    while (processes.length + STARTED_AT_ONCE <= PROCESSES)
      processes.push((await BareProcess.start('loads', file)).process);
  };
  await Promise.all(Array.from({ length: STARTED_AT_ONCE }, lane));
  while (processes.length < PROCESSES) processes.push((await BareProcess.start('loads', file)).process);
  await pause(UNTIL_IDLE_MS);
  const { pssMb, privateMb } = await meanMemoryOf(processes.map(({ pid }) => pid));
  await Promise.all(processes.map((bare) => bare.close()));
  return { pssMb, privateMb };
}
