import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer, type Server } from 'node:net';
import { eventually } from '../../../test/support/eventually.ts';
import { startTestPlatform, type TestPlatform } from '../../../test/support/platform.ts';
import { addressesOf } from './local-addresses.ts';
import { startPlatform } from './platform.ts';
import { freePorts } from './ports.ts';
import { identityOf, isAlive } from './process-identity.ts';
import { temporaryFolder } from './temporary-folder.ts';

const STARTS_WITHIN_MS = 120_000;
let platform: TestPlatform;

beforeAll(async () => {
  platform = await startTestPlatform();
}, STARTS_WITHIN_MS);
afterAll(async () => {
  await platform.stop();
}, STARTS_WITHIN_MS);

test(
  'a service that is killed comes back under the same address',
  async () => {
    const before = platform.pid('installer');
    platform.kill('installer', 'SIGKILL');
    await eventually(() => expect(platform.pid('installer')).not.toBe(before));
    await platform.ready('installer');
    expect((await fetch(`${platform.urls.installer}/readyz`)).status).toBe(200);
  },
  STARTS_WITHIN_MS,
);

test('where its backing services are is left in its folder', () => {
  expect(addressesOf(platform.folder)).toEqual(platform.backing);
});

test(
  'one more runner is started beside the first, and ended for good',
  async () => {
    const { name } = await platform.startAnother('plugin-runner');
    expect(platform.processNames).toContain(name);
    const runner = identityOf(platform.pid(name) ?? 0);
    await platform.end(name);
    expect(runner !== undefined && isAlive(runner)).toBe(false);
    expect(platform.pid(name)).toBeUndefined();
  },
  STARTS_WITHIN_MS,
);

test('npm run why says what is so, and what is missing where it cannot', async () => {
  const env = {
    PLUGIN_RUNNER_URL: platform.urls['plugin-runner'],
    DEMO_PLATFORM_PORT: new URL(platform.urls['demo-platform']).port,
  };
  expect(await why(['acme', 'activity-feed'], env)).toMatchObject({
    code: 0,
    said: expect.stringMatching(/^acme has not installed activity-feed\.\nIts tenant lives on partition \d+, held by /),
  });
  expect(await why(['acme'], env)).toEqual({
    code: 1,
    said: expect.stringContaining('npm run why -- acme activity-feed'),
  });
  expect(await why(['acme', 'activity-feed'], { ...env, PLATFORM_TOKEN: 'x' })).toEqual({
    code: 1,
    said: expect.stringContaining('The runner answered 401'),
  });
});

test('a taken port is said before anything is started', async () => {
  const ports = await freePorts();
  const squatter = await listenOn(ports.installer);
  const folder = await temporaryFolder('platform-test');
  const starting = startPlatform({ folder, persistent: false, ports, backing: platform.backing });
  await expect(starting).rejects.toThrow(`Port ${ports.installer} (installer) is in use`);
  squatter.close();
});

test(
  'a service that cannot start says why, and what was started with it ends',
  async () => {
    const folder = await temporaryFolder('platform-test');
    const starting = startPlatform({
      folder,
      persistent: false,
      backing: platform.backing,
      settingsOf: { scheduler: { REDIS_URL: 'nonsense' } },
    });
    await expect(starting).rejects.toThrow(/^scheduler ended while starting: .*REDIS_URL/);
    expect(existsSync(`${folder}/owner.json`)).toBe(false);
    expect(readFileSync(`${folder}/logs/scheduler.log`, 'utf8')).toContain('REDIS_URL');
  },
  STARTS_WITHIN_MS,
);

function why(args: string[], env: Record<string, string>): Promise<{ code: unknown; said: string }> {
  const script = join(import.meta.dirname, 'why.ts');
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { env: { PATH: process.env['PATH'], ...env } }, (error, out, err) =>
      resolve({ code: error ? error.code : 0, said: out || err }),
    );
  });
}

function listenOn(port: number): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(port, '127.0.0.1', () => resolve(server));
  });
}
