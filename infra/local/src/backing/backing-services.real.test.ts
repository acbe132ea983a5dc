import { afterEach, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../../../test/support/eventually.ts';
import { endLeftovers } from '../claimed-folder.ts';
import { isAlive, type ProcessIdentity } from '../process-identity.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { startBackingServices, type BackingServices } from './backing-services.ts';
import { amqpHandshake, inPostgres, inRedis } from './handshakes.ts';

const STARTS_WITHIN_MS = 120_000;
const STARTS_AGAIN = { within: 60_000 };
const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
}, STARTS_WITHIN_MS);

const onlyPrograms = { ...process.env, BACKING_SERVICES: 'programs' };

async function started(folder: string, said: string[] = []): Promise<BackingServices> {
  const log = (line: string) => said.push(line);
  const services = await startBackingServices({ folder, persistent: true, env: onlyPrograms, log });
  closers.push(() => services.stop());
  return services;
}

async function ownFolder(): Promise<string> {
  const folder = await temporaryFolder('backing-test');
  closers.push(async () => {
    await endLeftovers(folder);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Starts the services in a process of their own, which can be killed, and says what that process printed. */
async function startedElsewhere(folder: string): Promise<{ owner: ChildProcess; databaseUrl: string }> {
  const script = fileURLToPath(new URL('fixtures/start-and-stay.ts', import.meta.url));
  const owner = spawn(process.execPath, [script, folder], { env: onlyPrograms, stdio: ['ignore', 'pipe', 'inherit'] });
  closers.push(() => Promise.resolve(owner.kill('SIGKILL')));
  const lines = createInterface({ input: owner.stdout });
  for await (const databaseUrl of lines) return { owner, databaseUrl };
  throw new Error('The process ended before the services were ready');
}

test(
  'after a kill -9 nothing is left running, and the next start in the same folder finds the data; what is killed there comes back with it',
  async () => {
    const folder = await ownFolder();
    const first = await startedElsewhere(folder);
    await inPostgres(first.databaseUrl, (client) => client.query('CREATE TABLE kept AS SELECT 42 AS answer'));
    const children = JSON.parse(readFileSync(`${folder}/children.json`, 'utf8')) as ProcessIdentity[];
    expect(children).toHaveLength(4);
    first.owner.kill('SIGKILL');
    await eventually(() => expect(children.filter(isAlive)).toEqual([]));

    const said: string[] = [];
    const second = await started(folder, said);

    const rowsKept = async (): Promise<unknown> => {
      const { rows } = await inPostgres(second.databaseUrl, (client) => client.query('SELECT answer FROM kept'));
      return rows;
    };
    expect(await rowsKept()).toEqual([{ answer: 42 }]);

    await inRedis(second.redisUrl, ['SET kept 42']);
    const running = JSON.parse(readFileSync(`${folder}/children.json`, 'utf8')) as ProcessIdentity[];
    for (const { pid } of running) process.kill(pid, 'SIGKILL');
    await eventually(() => expect(running.filter(isAlive)).toEqual([]));
    await eventually(async () => {
      expect(await rowsKept()).toEqual([{ answer: 42 }]);
      // It answers OK only when the value is there.
      await inRedis(second.redisUrl, ['SET kept 43 XX']);
      await amqpHandshake(second.brokerUrl);
    }, STARTS_AGAIN);
    expect(said.filter((line) => line.includes('starting it again'))).toHaveLength(3);
  },
  2 * STARTS_WITHIN_MS,
);

test(
  'a folder that another process works in is refused, with its number',
  async () => {
    const folder = await ownFolder();
    const { owner } = await startedElsewhere(folder);
    await expect(started(folder)).rejects.toThrow(`is in use by process ${owner.pid ?? 0}`);
  },
  STARTS_WITHIN_MS,
);

test(
  'a broker that was killed comes back at the same address, and a stop removes what was temporary',
  async () => {
    const folder = await ownFolder();
    const services = await startBackingServices({ folder, persistent: false, only: ['rabbitmq'], env: onlyPrograms });
    closers.push(() => services.stop());
    await services.killBroker();
    await expect(amqpHandshake(services.brokerUrl)).rejects.toThrow();
    await services.restartBroker();
    await amqpHandshake(services.brokerUrl);
    await services.stop();
    expect(existsSync(folder)).toBe(false);
  },
  STARTS_WITHIN_MS,
);

test('an address from the environment that is none is named, and nothing is left claimed', async () => {
  const folder = await ownFolder();
  const env = { BROKER_URL: 'somewhere' };
  const starting = startBackingServices({ folder, persistent: false, only: ['rabbitmq'], env });
  await expect(starting).rejects.toThrow('BROKER_URL is not a URL');
  expect(existsSync(folder)).toBe(false);
});
