import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { PlatformError } from '@verifywise/contracts';
import { connectionsToRunners } from './other-runners.ts';
import { pluginRoutes } from './plugin-routes.ts';

const runners = connectionsToRunners();
let servers: Server[];
/** What the other runners were asked, in order. */
let asked: string[];

beforeEach(() => {
  servers = [];
  asked = [];
});
afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

async function serve(answer: (req: IncomingMessage, res: ServerResponse) => void): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Another runner, which holds the tenant no more for its first so many requests. */
function otherRunner(name: string, movedFor: number): Promise<string> {
  let requests = 0;
  return serve((req, res) => {
    asked.push(`${name} ${req.method} ${req.url}`);
    requests += 1;
    // The body is read, as a runner that has begun to serve it would.
    req.resume().once('end', () => {
      res.statusCode = requests > movedFor ? 200 : 421;
      res.end(name);
    });
  });
}

/** The runner that is asked: it holds nothing, and finds these holders one after the other. */
function askedRunner(holders: string[]): Promise<string> {
  let looked = 0;
  const route = pluginRoutes({
    hosting: { enabledPlugin: () => Promise.reject(new Error('not here')) },
    ...{ partitions: 4, selfId: 'self', holds: () => false, runners, platformsOwn: [] },
    findHolder: () => {
      const url = holders[Math.min(looked++, holders.length - 1)] as string;
      return Promise.resolve({ runnerId: url, url, epoch: looked });
    },
    bearer: () => Promise.resolve({ tenant: 'acme', userId: '7', role: 'Admin' }),
    tokens: { sign: () => Promise.resolve('token') } as never,
  });
  return serve((req, res) => {
    Promise.resolve(route.serve(req, res)).catch((error: unknown) => {
      res.statusCode = 500;
      res.end(error instanceof PlatformError ? error.code : String(error));
    });
  });
}

const warnings: Error[] = [];
process.on('warning', (warning) => warnings.push(warning));

test('a holder that has just given the tenant away is asked again, until somebody has it', async () => {
  const url = await askedRunner([await otherRunner('one', 12)]);
  const answer = await fetch(`${url}/api/plugins/notes/list?all=1`);
  expect([answer.status, await answer.text()]).toEqual([200, 'one']);
  expect(asked).toEqual(Array.from({ length: 13 }, () => 'one GET /api/plugins/notes/list?all=1'));
  expect(warnings).toEqual([]);
});

test('the next one to be asked is who holds it by then', async () => {
  const url = await askedRunner([await otherRunner('one', Infinity), await otherRunner('two', 0)]);
  expect(await (await fetch(`${url}/api/plugins/notes/list`)).text()).toBe('two');
  expect(asked.map((each) => each.split(' ', 1)[0])).toEqual(['one', 'two']);
});

test('a body that was used up is not sent again: the caller is told to', async () => {
  const url = await askedRunner([await otherRunner('one', 1)]);
  const answer = await fetch(`${url}/api/plugins/notes/list`, { method: 'POST', body: 'x'.repeat(100_000) });
  expect(await answer.text()).toBe('UNAVAILABLE');
  expect(asked).toHaveLength(1);
});
