import { fileURLToPath } from 'node:url';
import { tokenOf } from '../../../services/plugin-runner/src/testing/runner-process.ts';
import type { Measurement } from '../frame/bench.ts';
import { figureOf } from '../frame/figure.ts';
import { inTurn } from '../frame/rounds.ts';
import { BareProcess } from './bare-process.ts';
import { PLUGIN_ID, benchPlugin } from './bench-plugin.ts';
import { PluginFolder } from './direct-isolate.ts';
import type { Target } from './keep-alive-client.ts';
import { fullLoad } from './load.ts';
import { processorTime } from './processor-time.ts';
import { enabledFor, openRoom, runningIsolates, startRunner } from './runner-under-test.ts';

const TENANT = 'acme';
const CONNECTIONS = 16;
const FOR_MS = 4_000;
const WARM_UP_MS = 1_000;
/** Express is resolved from there. */
const RUNNER_PACKAGE = fileURLToPath(new URL('../../../services/plugin-runner/package.json', import.meta.url));

export const pluginRoute: Measurement = {
  name: 'route',
  note:
    `${CONNECTIONS} keep-alive connections ask the runner process for a plugin's route as fast as they are answered; the limit is the same ` +
    'route of a bare Express application in a forked Node process. The runner checks a token (JWT), finds the tenant and passes the request on ' +
    'to the isolate, where it is served by Express; bare, none of this is done. The load is made by the bench on the same processor cores.',
  async measure(place) {
    const { closers, rounds } = place;
    const code = benchPlugin({ routes: true });
    const folder = closers.add(await PluginFolder.with(code));
    const { process: bare, said: port } = await BareProcess.start('serves', RUNNER_PACKAGE, folder.entry);
    closers.add(bare);
    const room = await openRoom(place);
    await enabledFor(room, [TENANT], code);
    const runner = await startRunner(room);
    const isolates = await runningIsolates(runner, 1);
    const behind = [runner.child.pid as number, ...isolates];

    const path = `/api/plugins/${PLUGIN_ID}/ping`;
    const viaRunner = async () => {
      const headers = { authorization: `Bearer ${await tokenOf(TENANT)}` };
      return { port: Number(new URL(runner.url).port), path, headers };
    };
    const direct = { port: port as number, path: '/ping' };
    await fullLoad(() => direct, CONNECTIONS, WARM_UP_MS);
    const warmed = await viaRunner();
    await fullLoad(() => warmed, CONNECTIONS, WARM_UP_MS);
    const { product, limit } = await inTurn(rounds, {
      limit: () => loaded(direct, [bare.pid]),
      product: async () => loaded(await viaRunner(), behind),
    });
    return [
      figureOf(
        { figure: 'a plugin route through the runner: rate', unit: 'requests/s', aim: { ratioAtLeast: 0.4 } },
        { product: product.rate, limit: limit.rate },
      ),
      figureOf(
        { figure: 'a plugin route through the runner: p99', unit: 'ms' },
        { product: product.p99, limit: limit.p99 },
      ),
      figureOf(
        { figure: 'a plugin route through the runner: processor time', unit: 'µs' },
        { product: product.microseconds, limit: limit.microseconds },
      ),
    ];
  },
};

/** The processor time says what a request costs also on a machine that does other things meanwhile. */
async function loaded(target: Target, pids: number[]): Promise<{ rate: number; p99: number; microseconds: number }> {
  let load = { rate: NaN, p99: NaN, requests: NaN };
  const used = await processorTime(pids, async () => {
    load = await fullLoad(() => target, CONNECTIONS, FOR_MS);
  });
  const { rate, p99, requests } = load;
  return { rate, p99, microseconds: used / requests };
}
