import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DemoClient } from '../../../infra/local/src/demo-client.ts';
import type { PluginArchive } from '../../../services/installer/src/testing/plugin-archive.ts';
import type { Measurement } from '../frame/bench.ts';
import { figureOf, type Figure } from '../frame/figure.ts';
import { inTurn } from '../frame/rounds.ts';
import { largePackages } from './large-package.ts';
import { forgetPeak, residentMemory } from './peak-memory.ts';
import { operated, platformWith, succeeded } from './platform-under-test.ts';

const shapes = {
  'ten-mb': { files: 200, megabytes: 10 },
  'fifty-mb': { files: 1_000, megabytes: 49 },
};
const MB = 1024 * 1024;
/** Beyond the package's own size. */
const MOST_MB = 80;

const run = promisify(execFile);

export const intake: Measurement = {
  name: 'intake',
  note:
    'an install by HTTP of a version nobody has yet, through the host, from download to the answer after onLoad, with registry, runner, ' +
    'PostgreSQL and RabbitMQ on the same machine; the limit is unzip and then sha256sum of the same file from disk to disk. Memory is the ' +
    'most that was resident of the installer meanwhile, which also hands the package to the runner.',
  async measure(place) {
    const names = Object.keys(shapes) as (keyof typeof shapes)[];
    const packages = names.map((name) => largePackages(name, shapes[name], place.rounds + 1));
    const { platform, admin } = await platformWith(place, packages.flat());
    const acme = await admin('acme');
    const figures: Figure[] = [];
    for (const versions of packages) {
      const [first] = versions as [PluginArchive];
      const mb = first.bytes.length / MB;
      const what = `${mb.toFixed(0)} MB, ${shapes[first.id as keyof typeof shapes].files} files`;
      const files = await onDisk(versions);
      place.closers.addStep('files', () => files.remove());
      let [installs, unzips] = [0, 0];
      const { product, limit } = await inTurn(place.rounds, {
        limit: () => files.unzipped(unzips++),
        product: () => installed(acme, platform.pid('installer') as number, versions[installs++] as PluginArchive),
      });
      const line = (figure: string, unit: string, part: keyof typeof product) =>
        figureOf({ figure: `${what}: ${figure}`, unit }, { product: product[part] });
      const beyond = (figure: string, megabytes: number[]) =>
        figureOf(
          { figure: `${what}: ${figure}, beyond the package's size`, unit: 'MB', aim: { atMost: MOST_MB } },
          { product: megabytes.map((one) => one - mb) },
        );
      figures.push(
        figureOf(
          { figure: `${what}: install, end to end`, unit: 'ms' },
          { product: product.wholeMs, limit: limit.wholeMs },
        ),
        line('of it the check of what is asked for', 'ms', 'askedMs'),
        line('of it the download', 'ms', 'downloadMs'),
        line('of it reading, inflating, validating, writing anew', 'ms', 'checkMs'),
        line('of it storing in PostgreSQL', 'ms', 'storeMs'),
        line('of it accepting', 'ms', 'acceptMs'),
        line('of it onInstall: fetched and unpacked by the runner, plugin started', 'ms', 'onInstallMs'),
        line('of it onLoad', 'ms', 'onLoadMs'),
        beyond(
          'what the install adds to its memory',
          product.peakMb.map((peak, round) => peak - (product.beforeMb[round] as number)),
        ),
        beyond('its peak memory in all', product.peakMb),
        line('memory of the installer before', 'MB', 'beforeMb'),
      );
    }
    return figures;
  },
};

interface Step {
  name: string;
  startedAt: string;
  finishedAt: string;
  outcome: { took?: { downloadMs: number; checkMs: number; storeMs: number } } | null;
}

async function installed(admin: DemoClient, pid: number, { id, version }: PluginArchive) {
  await forgetPeak(pid);
  const { nowMb: beforeMb } = await residentMemory(pid);
  const startedAt = performance.now();
  const operationId = await operated(admin, '/api/plugins/install', { id, version });
  const wholeMs = performance.now() - startedAt;
  const { peakMb } = await residentMemory(pid);
  const { steps } = succeeded(await admin.get(`/api/plugins/operations/${operationId}`)) as { steps: Step[] };
  const step = (name: string): Step => {
    const found = steps.find((one) => one.name === name);
    if (found === undefined) throw new Error(`The operation has no step ${name}`);
    return found;
  };
  const ms = (name: string) => Date.parse(step(name).finishedAt) - Date.parse(step(name).startedAt);
  const took = step('package').outcome?.took;
  if (took === undefined) throw new Error('The package was here already');
  const { downloadMs, checkMs, storeMs } = took;
  const hooks = { onInstallMs: ms('onInstall'), onLoadMs: ms('onLoad') };
  await operated(admin, `/api/plugins/${id}/uninstall`, { deleteData: true });
  return {
    wholeMs,
    askedMs: ms('check'),
    downloadMs,
    checkMs,
    storeMs,
    acceptMs: ms('accept'),
    ...hooks,
    beforeMb,
    peakMb,
  };
}

/** The same archives as files, for the programs of the system. */
async function onDisk(versions: readonly PluginArchive[]) {
  const folder = await mkdtemp(join(tmpdir(), 'verifywise-bench-zips-'));
  const names = await Promise.all(
    versions.map(async ({ version, bytes }) => {
      const name = join(folder, `${version}.zip`);
      await writeFile(name, bytes);
      return name;
    }),
  );
  return {
    async unzipped(turn: number): Promise<{ wholeMs: number }> {
      const zip = names[turn] as string;
      const into = join(folder, 'unzipped');
      const startedAt = performance.now();
      await run('unzip', ['-q', zip, '-d', into]);
      await run('sha256sum', [zip]);
      const wholeMs = performance.now() - startedAt;
      await rm(into, { recursive: true });
      return { wholeMs };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
