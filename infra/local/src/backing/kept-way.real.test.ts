import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endLeftovers } from '../claimed-folder.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { startBackingServices } from './backing-services.ts';
import type { Way } from './running-service.ts';

let folder: string;
let bin: string;

beforeEach(async () => {
  folder = await temporaryFolder('kept-way');
  bin = join(folder, 'bin');
  mkdirSync(bin);
});
afterEach(async () => {
  await endLeftovers(folder);
  rmSync(folder, { recursive: true, force: true });
});

test('the data of programs is gone on with when Docker comes, until somebody wants other data', async () => {
  expect(await wayOfStart()).toBe('programs');
  installDocker();
  expect(await wayOfStart()).toBe('programs');
  expect(existsSync(join(bin, 'calls'))).toBe(false);

  const said: string[] = [];
  expect(await wayOfStart({ env: { BACKING_SERVICES: 'docker' }, said })).toBe('docker');
  expect(said[0]).toMatch(/without the data that was kept with programs.*BACKING_SERVICES=programs goes back to it$/);
  expect(await wayOfStart()).toBe('docker');
  expect(await wayOfStart({ env: { BACKING_SERVICES: 'programs' } })).toBe('programs');
  expect(await wayOfStart({ fresh: true })).toBe('docker');
});

test('data in Docker that cannot be reached is said, and is no reason to begin with other data unasked', async () => {
  installDocker();
  expect(await wayOfStart()).toBe('docker');

  await expect(wayOfStart({ env: { BROKEN: 'engine' } })).rejects.toThrow(
    /^The data was kept in volumes of Docker and cannot be reached \(no such image\);.* -- --fresh.*BACKING_SERVICES=programs/,
  );
  expect(calls().at(-1)).toBe('compose -p verifywise-local down');
  expect(await wayOfStart({ env: { BROKEN: 'engine' }, fresh: true })).toBe('programs');
  expect(await wayOfStart()).toBe('programs');
});

test('what a first attempt with Docker made is gone when it fails', async () => {
  installDocker();
  const said: string[] = [];
  expect(await wayOfStart({ env: { BROKEN: 'images' }, said })).toBe('programs');
  expect(said).toContain('Docker cannot be used (no such image); going on with programs of this machine');
  expect(calls().at(-1)).toBe('compose -p verifywise-local down --volumes');
});

function installDocker(): void {
  copyFileSync(join(import.meta.dirname, 'fixtures/docker.sh'), join(bin, 'docker'));
  chmodSync(join(bin, 'docker'), 0o755);
}

function calls(): string[] {
  return readFileSync(join(bin, 'calls'), 'utf8').trim().split('\n');
}

/** Starts Redis as `npm start` does, says how it ran, and stops it. */
async function wayOfStart({
  env = {},
  fresh = false,
  said = [] as string[],
}: { env?: NodeJS.ProcessEnv; fresh?: boolean; said?: string[] } = {}): Promise<Way | undefined> {
  const services = await startBackingServices({
    folder,
    persistent: true,
    fresh,
    only: ['redis'],
    env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, ...env },
    log: (line) => said.push(line),
  });
  await services.stop();
  return services.how.redis;
}
