import type { Measurement } from '../frame/bench.ts';
import { figureOf } from '../frame/figure.ts';
import { inTurn } from '../frame/rounds.ts';
import { percentile } from '../frame/statistics.ts';
import { BareProcess } from './bare-process.ts';
import { benchPlugin } from './bench-plugin.ts';
import { PluginFolder } from './direct-isolate.ts';

const STARTS_A_ROUND = 20;
const AIM = { ratioAtMost: 2.5 };
const kinds = { 'events only': benchPlugin(), 'with routes': benchPlugin({ routes: true }) };

export const startTime: Measurement = {
  name: 'start',
  note:
    "an isolate is started by the bench itself with the runner's own IsolateProcess, from spawn to the answer of onEnable, one at a time; " +
    'the limit is a forked Node process that requires the same 50 KB file and says so. A plugin with routes loads Express too.',
  async measure({ rounds, closers }) {
    const figures = [];
    for (const [kind, code] of Object.entries(kinds)) {
      const folder = closers.add(await PluginFolder.with(code));
      const { product, limit } = await inTurn(rounds, {
        limit: () => bareStartTimes(folder),
        product: () => startTimes(async () => stopping(await folder.startIsolate())),
      });
      for (const part of ['p50', 'p95'] as const) {
        const figure = `start of an isolate, 50 KB plugin, ${kind}: ${part}`;
        figures.push(figureOf({ figure, unit: 'ms', aim: AIM }, { product: product[part], limit: limit[part] }));
      }
    }
    return figures;
  },
};

/** Of forked Node processes that require the plugin's file. */
export function bareStartTimes({ entry }: PluginFolder): Promise<{ p50: number; p95: number }> {
  return startTimes(async () => (await BareProcess.start('loads', entry)).process);
}

function stopping(isolate: { stop(): Promise<void> }): { close(): Promise<void> } {
  return { close: () => isolate.stop() };
}

async function startTimes(start: () => Promise<{ close(): Promise<void> }>): Promise<{ p50: number; p95: number }> {
  const times: number[] = [];
  for (let count = 0; count < STARTS_A_ROUND; count += 1) {
    const startedAt = performance.now();
    const started = await start();
    times.push(performance.now() - startedAt);
    await started.close();
  }
  return { p50: percentile(times, 50), p95: percentile(times, 95) };
}
