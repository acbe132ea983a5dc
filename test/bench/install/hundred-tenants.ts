import type { PluginArchive } from '../../../services/installer/src/testing/plugin-archive.ts';
import type { Measurement } from '../frame/bench.ts';
import { figureOf } from '../frame/figure.ts';
import { alone } from '../frame/rounds.ts';
import { percentile } from '../frame/statistics.ts';
import { largePackages } from './large-package.ts';
import { forgetPeak, residentMemory } from './peak-memory.ts';
import { operated, platformWith } from './platform-under-test.ts';

const TENANTS = 100;
const SHAPE = { files: 50, megabytes: 2 };

export const hundredTenants: Measurement = {
  name: 'tenants',
  note:
    `${TENANTS} tenants ask for the same 2 MB plugin at the same moment, and each waits until it is installed; one installer, one runner. ` +
    'Downloads are counted by the web server of the registry.',
  async measure(place) {
    const versions = largePackages('wanted', SHAPE, place.rounds);
    const { platform, registry, admin } = await platformWith(place, versions);
    const pid = platform.pid('installer') as number;
    const tenants = await Promise.all(Array.from({ length: TENANTS }, (_, number) => admin(`tenant-${number}`)));
    let turn = 0;
    const turns = await alone(place.rounds, async () => {
      const { id, version } = versions[turn++] as PluginArchive;
      await forgetPeak(pid);
      const startedAt = performance.now();
      const times = await Promise.all(
        tenants.map(async (tenant) => {
          await operated(tenant, '/api/plugins/install', { id, version });
          return (performance.now() - startedAt) / 1000;
        }),
      );
      const { peakMb } = await residentMemory(pid);
      const downloads = registry.downloads.get(`/${id}-${version}.zip`) ?? 0;
      for (const tenant of tenants) await operated(tenant, `/api/plugins/${id}/uninstall`, { deleteData: true });
      return { done: times.length, downloads, last: percentile(times, 100), peakMb };
    });
    return [
      figureOf({ figure: 'tenants done', unit: 'tenants', aim: { atLeast: TENANTS } }, { product: turns.done }),
      figureOf({ figure: 'downloads for all of them', unit: '', aim: { atMost: 1 } }, { product: turns.downloads }),
      figureOf({ figure: 'until the last one is done', unit: 's' }, { product: turns.last }),
      figureOf({ figure: 'peak memory of the installer', unit: 'MB' }, { product: turns.peakMb }),
    ];
  },
};
