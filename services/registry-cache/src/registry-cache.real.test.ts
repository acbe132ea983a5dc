import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { answering, connectBroker, type Broker } from '@verifywise/broker';
import {
  FindRegistryEntry,
  ListInstalledPlugins,
  ListRegistryVersions,
  PluginInstalled,
  type InstalledPlugin,
} from '@verifywise/contracts';
import { Closers, createLogger } from '@verifywise/service-kit';
import { SignJWT } from 'jose';
import pg from 'pg';
import { backingServices } from '../../../test/support/backing-services.ts';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { startPrivateBroker, type PrivateBroker } from '../../../test/support/private-broker.ts';
import { readConfig } from './config.ts';
import { startRegistryCache } from './service.ts';

const SECRET = 'a-secret-of-the-tests-that-is-long-enough';
const SECRETS_KEY = `k1:${Buffer.alloc(32, 7).toString('base64')}`;
const log = createLogger('registry-cache-test', 'silent');
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');

let rabbit: PrivateBroker;
let database: TestDatabase;
let sql: pg.Client;
let others: Broker;
const cleanups: (() => Promise<unknown>)[] = [];
const installed = new Map<string, InstalledPlugin[]>();
let askedForInstalled = 0;

beforeAll(async () => {
  [rabbit, database] = await Promise.all([startPrivateBroker(), createDatabase()]);
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  others = await connectBroker({ url: rabbit.url, source: 'test', partitions: 2, log });
  await others.answerQuestions('installer', [
    answering(ListInstalledPlugins, (_payload, { tenant }) => {
      askedForInstalled += 1;
      return installed.get(tenant ?? '') ?? [];
    }),
  ]);
}, 60_000);

let remote: RemoteRegistry;

beforeEach(async () => {
  remote = await startRemoteRegistry();
  cleanups.push(() => remote.stop());
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await sql.query('DROP SCHEMA IF EXISTS registry_cache CASCADE');
  installed.clear();
}, 60_000);

afterAll(async () => {
  await others.close();
  await sql.end();
  await database.drop();
  await rabbit.stop();
}, 60_000);

/** A registry's server that does what the test says. */
interface RemoteRegistry {
  url: string;
  plugins: unknown[];
  status: number;
  requests: { path: string; authorization: string | undefined; conditional: boolean }[];
  icon: Buffer;
  stop(): Promise<void>;
}

async function startRemoteRegistry(): Promise<RemoteRegistry> {
  const server: Server = createServer((req, res) => {
    const path = req.url ?? '';
    const body = JSON.stringify({ version: '1.0.0', generated: '2026-02-03T04:05:06Z', plugins: own.plugins });
    const etag = `"${Buffer.from(body).length}-${own.plugins.length}"`;
    const conditional = req.headers['if-none-match'] === etag;
    own.requests.push({ path, authorization: req.headers.authorization, conditional });
    if (path.endsWith('.png')) res.end(own.icon);
    else if (own.status !== 200) res.writeHead(own.status).end();
    else if (conditional) res.writeHead(304).end();
    else res.writeHead(200, { etag }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own: RemoteRegistry = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    plugins: [],
    status: 200,
    requests: [],
    icon: PNG,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  own.plugins = [plugin('activity-feed', '1.1.0', own.url)];
  return own;
}

function plugin(id: string, version: string, url: string, changes: object = {}): object {
  const download = `${url}/downloads/${id}-${version}.zip`;
  const checksum = `sha256:${'c'.repeat(64)}`;
  return {
    ...{ id, version, download, checksum, name: id, description: `The plugin ${id}`, type: 'feature', tags: ['demo'] },
    ...{ author: { name: 'Ada' }, permissions: [], compatibility: {}, dependencies: {} },
    icon: `${url}/icons/${id}.png`,
    versions: [{ version: '1.0.0', download: `${url}/downloads/${id}-1.0.0.zip`, checksum }],
    ...changes,
  };
}

interface Running {
  url: string;
  get(path: string, who?: Who): Promise<Answer>;
  send(method: string, path: string, body?: unknown, who?: Who): Promise<Answer>;
  stop(): Promise<void>;
}
interface Who {
  tenant?: string;
  role?: string;
}
interface Answer {
  status: number;
  // Each test knows the shape of what it asked for.
  body: { data?: never; error?: { code: string; message: string } };
}

async function startCache(env: Record<string, string> = {}): Promise<Running> {
  const closers = new Closers();
  const config = readConfig({
    BROKER_URL: rabbit.url,
    DATABASE_URL: database.url,
    REDIS_URL: `${backingServices().redisUrl}/6`,
    JWT_SECRET: SECRET,
    PARTITIONS: '2',
    PORT: '0',
    REGISTRIES: JSON.stringify([local('local')]),
    ...env,
  });
  const { url } = await startRegistryCache(config, closers, log);
  const stop = () => closers.closeAll(15_000);
  cleanups.push(stop);
  const send = async (method: string, path: string, body?: unknown, { tenant = 'acme', role = 'Admin' }: Who = {}) => {
    const token = await new SignJWT({ tenant, role })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('1')
      .setExpirationTime('5m')
      .sign(new TextEncoder().encode(SECRET));
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Answer['body'] };
  };
  return { url, send, get: (path, who) => send('GET', path, undefined, who), stop };
}

function local(name: string, url = remote.url): object {
  return { name, url: `${url}/registry.json`, verified: true, local: true, allowedHosts: ['127.0.0.1'] };
}

const operator = { role: 'Operator' };

test('the marketplace answers in the shape of the spec, with what the tenant has', async () => {
  installed.set('acme', [
    { pluginId: 'activity-feed', version: '1.0.0', state: 'enabled', enabled: true, generation: 3 },
  ]);
  const cache = await startCache();
  const { status, body } = await cache.get('/api/marketplace');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    success: true,
    data: {
      registryVersion: '1.0.0',
      registryUpdated: '2026-02-03T04:05:06Z',
      total: 1,
      stale: false,
      plugins: [
        {
          id: 'activity-feed',
          name: 'activity-feed',
          version: '1.1.0',
          author: { name: 'Ada' },
          type: 'feature',
          tags: ['demo'],
          icon: '/api/marketplace/activity-feed/icon',
          download: `${remote.url}/downloads/activity-feed-1.1.0.zip`,
          checksum: `sha256:${'c'.repeat(64)}`,
          permissions: [],
          installed: true,
          installedVersion: '1.0.0',
          enabled: true,
          hasUpdate: true,
        },
      ],
    },
  });
  expect((await cache.get('/api/marketplace/updates')).body.data).toMatchObject({
    total: 1,
    plugins: [{ id: 'activity-feed', installedVersion: '1.0.0', version: '1.1.0', hasUpdate: true }],
  });
  expect((await cache.get('/api/marketplace', { tenant: 'globex' })).body.data).toMatchObject({
    plugins: [{ installed: false, installedVersion: null, enabled: false, hasUpdate: false }],
  });
});

test('details have every version and the plan; what nobody lists is 404', async () => {
  const cache = await startCache();
  const { body } = await cache.get('/api/marketplace/activity-feed');
  expect(body.data).toMatchObject({
    id: 'activity-feed',
    versions: [{ version: '1.1.0' }, { version: '1.0.0', compatible: true }],
    dependencyPlan: [{ id: 'activity-feed', action: 'install', version: '1.1.0' }],
  });
  expect(await cache.get('/api/marketplace/nothing')).toMatchObject({
    status: 404,
    body: { success: false, error: { code: 'PLUGIN_NOT_FOUND' } },
  });
});

test('roles: no token 401, a viewer may read but not refresh, only an operator sees registries', async () => {
  const cache = await startCache();
  const viewer = { role: 'Viewer' };
  expect((await fetch(`${cache.url}/api/marketplace`)).status).toBe(401);
  expect((await cache.get('/api/marketplace', viewer)).status).toBe(200);
  expect((await cache.send('POST', '/api/marketplace/refresh', undefined, viewer)).status).toBe(403);
  expect((await cache.get('/api/marketplace/registries')).status).toBe(403);
  expect((await cache.get('/api/marketplace/registries', operator)).status).toBe(200);
  expect((await cache.get('/api/marketplace?limit=0')).body.error?.code).toBe('VALIDATION_FAILED');
});

test('a refresh is conditional, sees what is new, and quarantines what is broken', async () => {
  const cache = await startCache();
  await cache.get('/api/marketplace');
  expect((await cache.send('POST', '/api/marketplace/refresh')).body.data).toMatchObject({
    registries: [{ registry: 'local', outcome: 'unchanged', plugins: 1 }],
  });
  expect(remote.requests.at(-1)?.conditional).toBe(true);

  remote.plugins = [...remote.plugins, plugin('notes', '1.0.0', remote.url), { id: 'broken' }];
  expect((await cache.get('/api/marketplace?refresh=true')).body.data).toMatchObject({ total: 2 });
  expect((await cache.get('/api/marketplace/registries/local/problems', operator)).body.data).toEqual([
    { plugin: 'broken', reason: expect.stringContaining('"name"') },
  ]);
});

test('while the registry is down its last listing is served as stale, also after a restart', async () => {
  const cache = await startCache();
  await cache.get('/api/marketplace');
  remote.status = 503;
  const failed = await cache.send('POST', '/api/marketplace/refresh');
  expect(failed).toMatchObject({ status: 502, body: { error: { code: 'REGISTRY_UNAVAILABLE' } } });
  expect((await cache.get('/api/marketplace')).body.data).toMatchObject({ stale: true, total: 1 });
  await cache.stop();

  const again = await startCache({ REDIS_URL: 'redis://127.0.0.1:1' });
  const { body } = await again.get('/api/marketplace');
  expect(body.data).toMatchObject({
    stale: true,
    total: 1,
    registries: [{ lastError: expect.stringContaining('503') }],
  });
});

test('a registry that could never be fetched is 502, and works as soon as it answers', async () => {
  remote.status = 500;
  const cache = await startCache();
  expect((await cache.get('/api/marketplace')).body.error?.code).toBe('REGISTRY_UNAVAILABLE');
  remote.status = 200;
  expect((await cache.get('/api/marketplace?refresh=true')).body.data).toMatchObject({ total: 1 });
});

test('two replicas that refresh at once fetch no more than once each, and both have the result', async () => {
  const [one, other] = await Promise.all([startCache(), startCache()]);
  await Promise.all([one.get('/api/marketplace'), other.get('/api/marketplace')]);
  remote.plugins = [plugin('notes', '2.0.0', remote.url)];
  const before = remote.requests.length;
  await Promise.all([one, other].map((cache) => cache.get('/api/marketplace?refresh=true')));
  for (const cache of [one, other]) {
    await eventually(async () =>
      expect((await cache.get('/api/marketplace')).body.data).toMatchObject({ plugins: [{ id: 'notes' }] }),
    );
  }
  expect(remote.requests.length - before).toBeLessThanOrEqual(2);
});

test('the installer finds the entry of a version, also of one published a moment ago', async () => {
  const cache = await startCache();
  await cache.get('/api/marketplace');
  const find = (id: string, version?: string) =>
    others.ask(FindRegistryEntry, { tenant: 'acme', payload: version === undefined ? { id } : { id, version } });
  expect(await find('activity-feed')).toMatchObject({
    version: '1.1.0',
    registry: 'local',
    local: true,
    verified: true,
  });
  expect(await find('activity-feed', '1.0')).toMatchObject({
    version: '1.0.0',
    downloadUrl: `${remote.url}/downloads/activity-feed-1.0.0.zip`,
    allowedHosts: ['127.0.0.1'],
  });
  expect(await find('activity-feed', '9.9.9')).toBeNull();
  expect(await find('nothing')).toBeNull();
  const versions = (id: string) => others.ask(ListRegistryVersions, { tenant: 'acme', payload: { id } });
  expect((await versions('activity-feed')).map(({ version }) => version)).toEqual(['1.1.0', '1.0.0']);
  expect(await versions('nothing')).toEqual([]);
});

test('an icon comes from our origin, as PNG or not at all', async () => {
  const cache = await startCache();
  const token = { tenant: 'acme' };
  expect((await cache.get('/api/marketplace/nothing/icon', token)).status).toBe(404);
  remote.icon = Buffer.from('<svg onload="alert(1)"/>');
  remote.plugins = [plugin('drawn', '1.0.0', remote.url)];
  await cache.send('POST', '/api/marketplace/refresh');
  expect(await cache.get('/api/marketplace/drawn/icon')).toMatchObject({ status: 404 });
});

test('an operator adds a registry with a token, which is sealed and goes to that registry only', async () => {
  const second = await startRemoteRegistry();
  cleanups.push(() => second.stop());
  second.plugins = [plugin('private-plugin', '1.0.0', second.url), plugin('activity-feed', '9.0.0', second.url)];
  const cache = await startCache({ PLUGIN_SECRETS_KEY: SECRETS_KEY });
  await cache.get('/api/marketplace');
  const request = { ...local('private', second.url), verified: false, token: 'very-secret' };
  const added = await cache.send('POST', '/api/marketplace/registries', request, operator);
  expect(added).toMatchObject({ status: 201, body: { data: { name: 'private', tokenSet: true, plugins: 2 } } });
  expect(JSON.stringify(added.body)).not.toContain('very-secret');
  expect(second.requests.map(({ authorization }) => authorization)).toEqual(['Bearer very-secret']);
  expect(remote.requests.every(({ authorization }) => authorization === undefined)).toBe(true);
  const { rows } = await sql.query('SELECT * FROM registry_cache.registries');
  expect(JSON.stringify(rows)).not.toContain('very-secret');

  const { body } = await cache.get('/api/marketplace?sort=name');
  expect(body.data).toMatchObject({
    plugins: [
      { id: 'activity-feed', version: '1.1.0', registry: 'local' },
      { id: 'private-plugin', registry: 'private' },
    ],
  });
  const twice = await cache.send('POST', '/api/marketplace/registries', request, operator);
  expect(twice.status).toBe(409);
  expect((await cache.send('DELETE', '/api/marketplace/registries/private', undefined, operator)).status).toBe(204);
  expect((await cache.get('/api/marketplace')).body.data).toMatchObject({ total: 1 });
});

test('a registry that is not local may not be at an address of our own network', async () => {
  const cache = await startCache();
  const request = { name: 'inside', url: 'https://127.0.0.1:9/registry.json' };
  const added = await cache.send('POST', '/api/marketplace/registries', request, operator);
  expect(added.body.data).toMatchObject({ lastError: expect.stringContaining('not an address of the internet') });
  const plain = { name: 'plain', url: 'http://registry.example/registry.json' };
  expect((await cache.send('POST', '/api/marketplace/registries', plain, operator)).status).toBe(400);
});

test('a fact about a plugin is seen in the flags at once, and many requests are one question', async () => {
  const cache = await startCache();
  await cache.get('/api/marketplace');
  const before = askedForInstalled;
  await Promise.all(Array.from({ length: 20 }, () => cache.get('/api/marketplace', { tenant: 'globex' })));
  expect(askedForInstalled - before).toBeLessThan(5);
  installed.set('globex', [
    { pluginId: 'activity-feed', version: '1.1.0', state: 'installed', enabled: false, generation: 1 },
  ]);
  const payload = { pluginId: 'activity-feed', version: '1.1.0', state: 'installed', generation: 1 } as const;
  await others.publish(PluginInstalled, { tenant: 'globex', payload });
  await eventually(async () =>
    expect((await cache.get('/api/marketplace?installed=true', { tenant: 'globex' })).body.data).toMatchObject({
      total: 1,
    }),
  );
});

test('what it can do is described', async () => {
  const cache = await startCache();
  const document = (await (await fetch(`${cache.url}/openapi.json`)).json()) as { paths: object };
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining([
      '/api/marketplace',
      '/api/marketplace/{id}',
      '/api/marketplace/registries/{name}/problems',
    ]),
  );
});
