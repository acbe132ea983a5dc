import { hearing } from '@verifywise/broker';
import { fact } from '@verifywise/contracts';
import type { RunnerProcess } from '../../../services/plugin-runner/src/testing/runner-process.ts';
import type { RunnerRoom } from '../../../services/plugin-runner/src/testing/runner-room.ts';
import { eventually } from '../../support/eventually.ts';
import type { Measurement } from '../frame/bench.ts';
import { figureOf } from '../frame/figure.ts';
import { inTurn } from '../frame/rounds.ts';
import { percentile } from '../frame/statistics.ts';
import { HEARD_EVENT, benchPlugin } from './bench-plugin.ts';
import { PluginFolder } from './direct-isolate.ts';
import { enabledFor, openRoom, startRunner, tenantNames } from './runner-under-test.ts';
import { bareStartTimes } from './start-time.ts';

const TENANTS = tenantNames(5, 'sleeper');
const WAKES_A_TENANT = 4;
/** About a second, so that they sleep again soon. */
const IDLE_STOP_MINUTES = '0.015';
const HEARD_WITHIN_MS = 30_000;

export const waking: Measurement = {
  name: 'waking',
  note:
    'an event is published for a plugin whose isolate was stopped because it was idle; its handler publishes an event of its own, and the time ends when ' +
    'the bench hears that: both ways over the broker are in it, as they are in the figure of a running isolate. The limit is the start of a forked Node process that requires the same file.',
  async measure(place) {
    const { closers, rounds } = place;
    const code = benchPlugin({ onRisk: `await context.emit('${HEARD_EVENT}', { riskId: payload.riskId });` });
    const folder = closers.add(await PluginFolder.with(code));
    const room = await openRoom(place);
    await enabledFor(room, TENANTS, code);
    const roundTrip = await roundTrips(room);
    const runner = await startRunner(room, { RUNNER_IDLE_STOP_MINUTES: IDLE_STOP_MINUTES });

    const { product, limit } = await inTurn(rounds, {
      limit: () => bareStartTimes(folder),
      product: async () => {
        const woken: number[] = [];
        const running: number[] = [];
        for (let wake = 0; wake < WAKES_A_TENANT; wake += 1) {
          await allSleep(runner);
          for (const tenant of TENANTS) {
            woken.push(await roundTrip(tenant));
            running.push(await roundTrip(tenant));
          }
        }
        return { p50: percentile(woken, 50), p95: percentile(woken, 95), running: percentile(running, 50) };
      },
    });
    return [
      figureOf(
        { figure: 'waking a stopped isolate with an event: p50', unit: 'ms' },
        { product: product.p50, limit: limit.p50 },
      ),
      figureOf(
        { figure: 'waking a stopped isolate with an event: p95', unit: 'ms' },
        { product: product.p95, limit: limit.p95 },
      ),
      figureOf({ figure: 'the same event when the isolate runs: p50', unit: 'ms' }, { product: product.running }),
    ];
  },
};

/** Answers how to publish an event and wait until its handler's own event is heard; resolves with the milliseconds that took. */
async function roundTrips(room: RunnerRoom): Promise<(tenant: string) => Promise<number>> {
  const waiting = new Map<number, () => void>();
  await room.broker.subscribe('installer', [
    hearing(fact<{ riskId: number }>(HEARD_EVENT.replaceAll(':', '.')), ({ riskId }) => {
      waiting.get(riskId)?.();
      return Promise.resolve();
    }),
  ]);
  let lastRisk = 0;
  return async (tenant) => {
    const risk = (lastRisk += 1);
    const heard = new Promise<void>((resolve, reject) => {
      const tooLate = setTimeout(() => reject(new Error(`${tenant} did not hear an event`)), HEARD_WITHIN_MS);
      waiting.set(risk, () => {
        clearTimeout(tooLate);
        resolve();
      });
    });
    const startedAt = performance.now();
    await Promise.all([room.emitRisk(tenant, risk), heard]);
    waiting.delete(risk);
    return performance.now() - startedAt;
  };
}

async function allSleep(runner: RunnerProcess): Promise<void> {
  await eventually(
    async () => {
      const awake = (await runner.isolates()).filter(({ sleeping, state }) => !sleeping || state !== 'stopped');
      const hosted = (await runner.isolates()).length;
      if (awake.length > 0 || hosted !== TENANTS.length)
        throw new Error(`${awake.length} of ${hosted} isolates are awake`);
    },
    { within: HEARD_WITHIN_MS },
  );
}
