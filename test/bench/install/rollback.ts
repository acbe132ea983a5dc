import { pluginArchive } from '../../../services/installer/src/testing/plugin-archive.ts';
import type { Measurement } from '../frame/bench.ts';
import { figureOf } from '../frame/figure.ts';
import { alone } from '../frame/rounds.ts';
import { percentile } from '../frame/statistics.ts';
import { operated, platformWith } from './platform-under-test.ts';

const ROLLBACKS_A_ROUND = 30;
const AIM = { atMost: 1_000 };
const ID = 'swapped';
const code = 'module.exports = { onLoad() {}, onEnable() {}, onDisable() {}, onUnload() {} };';

export const rollback: Measurement = {
  name: 'rollback',
  note:
    `an enabled plugin goes back to the version before, ${ROLLBACKS_A_ROUND} times a round: from the request to the answer, with the new process ` +
    'of the plugin started; its hooks do nothing, so all of the time is beyond them.',
  async measure(place) {
    const versions = ['1.0.0', '1.1.0'].map((version) => pluginArchive({ id: ID, version }, { 'index.js': code }));
    const { registry, admin } = await platformWith(place, versions);
    const acme = await admin('acme');
    await operated(acme, '/api/plugins/install', { id: ID, version: '1.0.0' });
    await operated(acme, `/api/plugins/${ID}/enable`);
    await operated(acme, `/api/plugins/${ID}/update`, { version: '1.1.0' });
    const downloads = () =>
      [...registry.downloads].reduce((sum, [path, times]) => sum + (path.endsWith('.zip') ? times : 0), 0);
    const before = downloads();
    const turns = await alone(place.rounds, async () => {
      const times: number[] = [];
      for (let count = 0; count < ROLLBACKS_A_ROUND; count += 1) {
        const startedAt = performance.now();
        await operated(acme, `/api/plugins/${ID}/rollback`);
        times.push(performance.now() - startedAt);
      }
      return { p50: percentile(times, 50), p95: percentile(times, 95), downloads: downloads() - before };
    });
    return [
      figureOf({ figure: 'rollback: p50', unit: 'ms' }, { product: turns.p50 }),
      figureOf({ figure: 'rollback: p95', unit: 'ms', aim: AIM }, { product: turns.p95 }),
      figureOf({ figure: 'downloads for all rollbacks', unit: '', aim: { atMost: 0 } }, { product: turns.downloads }),
    ];
  },
};
