import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { FindRegistryEntry } from '@verifywise/contracts';
import { operator, RegistryRoom, type Running } from './testing/registry-room.ts';
import { listedPlugin } from './testing/remote-registry.ts';

const key = (kid: string, byte: number) => `${kid}:${Buffer.alloc(32, byte).toString('base64')}`;
const SEALING = { PLUGIN_SECRETS_KEY: key('k1', 7) };
const REGISTRIES = '/api/marketplace/registries';

let room: RegistryRoom;

beforeAll(async () => {
  room = await RegistryRoom.open();
}, 60_000);
beforeEach(() => room.beforeEach());
afterEach(() => room.afterEach(), 60_000);
afterAll(() => room.close(), 60_000);

const add = (cache: Running, registry: object) => cache.send('POST', REGISTRIES, registry, operator);
const change = (cache: Running, name: string, changes: object) =>
  cache.send('PATCH', `${REGISTRIES}/${name}`, changes, operator);
const names = async (cache: Running) =>
  ((await cache.get(REGISTRIES, operator)).body.data as unknown as { name: string }[]).map(({ name }) => name);
const storedToken = async (name: string) => {
  const { rows } = await room.sql.query<{ sealed_token: string | null }>(
    'SELECT sealed_token FROM registry_cache.registries WHERE name = $1',
    [name],
  );
  return rows[0]?.sealed_token;
};

test('an operator adds a registry with a token, which is sealed and goes to that registry only', async () => {
  const second = await room.startRemote();
  second.plugins = [
    listedPlugin('private-plugin', '1.0.0', second.url),
    listedPlugin('activity-feed', '9.0.0', second.url),
  ];
  const cache = await room.startCache(SEALING);
  await cache.get('/api/marketplace');
  const request = { ...room.local('private', second.url), verified: false, token: 'very-secret' };
  const added = await add(cache, request);
  expect(added).toMatchObject({ status: 201, body: { data: { name: 'private', tokenSet: true, plugins: 2 } } });
  const shown = [added, await cache.get(REGISTRIES, operator), await cache.get(`${REGISTRIES}/private`, operator)];
  for (const { body } of shown) expect(JSON.stringify(body)).not.toContain('very-secret');
  expect(second.requests.map(({ authorization }) => authorization)).toEqual(['Bearer very-secret']);
  expect(room.remote.requests.every(({ authorization }) => authorization === undefined)).toBe(true);
  const { rows } = await room.sql.query('SELECT * FROM registry_cache.registries');
  expect(JSON.stringify(rows)).not.toContain('very-secret');

  const { body } = await cache.get('/api/marketplace?sort=name');
  expect(body.data).toMatchObject({
    plugins: [
      { id: 'activity-feed', version: '1.1.0', registry: 'local', verified: true },
      { id: 'private-plugin', registry: 'private', verified: false },
    ],
  });
  expect((await cache.get(`${REGISTRIES}/private/problems`, operator)).body.data).toEqual([
    { plugin: 'activity-feed', reason: 'The registry local has a plugin with this id' },
  ]);
  expect(await add(cache, request)).toMatchObject({ status: 409, body: { error: { code: 'CONFLICT' } } });
  expect((await cache.send('DELETE', `${REGISTRIES}/private`, undefined, operator)).status).toBe(204);
  expect((await cache.get('/api/marketplace')).body.data).toMatchObject({ total: 1 });
  expect((await cache.send('DELETE', `${REGISTRIES}/private`, undefined, operator)).body.error?.code).toBe(
    'REGISTRY_NOT_FOUND',
  );
});

test('a change leaves alone what it does not say, and what it says holds on every replica', async () => {
  const [one, other] = [await room.startCache(SEALING), await room.startCache(SEALING)];
  await add(one, { ...room.local('second', (await room.startRemote()).url), verified: false, token: 'first-token' });
  const changed = await change(one, 'second', { verified: true, allowedHosts: ['127.0.0.1', '*.example.com'] });
  expect(changed).toMatchObject({
    status: 200,
    body: { data: { verified: true, local: true, tokenSet: true, allowedHosts: ['127.0.0.1', '*.example.com'] } },
  });
  expect((await other.get(`${REGISTRIES}/second`, operator)).body.data).toEqual(changed.body.data);
  room.remote.plugins = [];
  await one.send('POST', '/api/marketplace/refresh');
  const entry = await room.others.ask(FindRegistryEntry, { tenant: 'acme', payload: { id: 'activity-feed' } });
  expect(entry).toMatchObject({ registry: 'second', verified: true, allowedHosts: ['127.0.0.1', '*.example.com'] });

  expect(await change(one, 'second', {})).toMatchObject({
    status: 400,
    body: { error: { code: 'VALIDATION_FAILED' } },
  });
  expect(await change(one, 'second', { name: 'other' })).toMatchObject({ status: 400 });
  expect(await change(one, 'second', { url: 'http://[' })).toMatchObject({ status: 400 });
  expect(await change(one, 'second', { local: false })).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringContaining('it is not https') } },
  });
  expect(await change(one, 'nothing', { verified: true })).toMatchObject({
    status: 404,
    body: { error: { code: 'REGISTRY_NOT_FOUND' } },
  });
});

test('with PUT a registry is as if new, but keeps its token', async () => {
  const cache = await room.startCache(SEALING);
  const second = await room.startRemote();
  await add(cache, { ...room.local('second', second.url), token: 'kept-token' });
  const put = await cache.send(
    'PUT',
    `${REGISTRIES}/second`,
    { url: `${second.url}/registry.json`, local: true },
    operator,
  );
  expect(put).toMatchObject({
    status: 200,
    body: { data: { verified: false, tokenSet: true, allowedHosts: ['github.com', '*.githubusercontent.com'] } },
  });
  expect(second.requests.at(-1)?.authorization).toBe('Bearer kept-token');
});

test('a token does not follow its registry to another server, unless it is said again', async () => {
  const cache = await room.startCache(SEALING);
  const [second, third] = [await room.startRemote(), await room.startRemote()];
  third.plugins = [listedPlugin('elsewhere', '1.0.0', third.url)];
  await add(cache, { ...room.local('second', second.url), token: 'for-second' });
  const url = `${third.url}/registry.json`;
  expect(await change(cache, 'second', { url })).toMatchObject({
    status: 409,
    body: { error: { code: 'CONFLICT', message: expect.stringContaining('say the token again') } },
  });
  expect(third.requests).toEqual([]);
  expect(await change(cache, 'second', { url, token: 'for-third' })).toMatchObject({
    status: 200,
    body: { data: { tokenSet: true, plugins: 1 } },
  });
  expect(third.requests.map(({ authorization }) => authorization)).toEqual(['Bearer for-third']);
  expect((await cache.get('/api/marketplace/elsewhere')).status).toBe(200);
  expect(await change(cache, 'second', { url: `${second.url}/registry.json`, token: null })).toMatchObject({
    body: { data: { tokenSet: false } },
  });
  expect(second.requests.at(-1)?.authorization).toBeUndefined();
  expect((await cache.get('/api/marketplace/elsewhere')).status).toBe(404);
});

test('without a key to seal with, a token is refused and nothing is stored', async () => {
  const cache = await room.startCache();
  expect(await add(cache, { ...room.local('second'), token: 'secret' })).toMatchObject({
    status: 409,
    body: { error: { code: 'CONFLICT', message: expect.stringContaining('PLUGIN_SECRETS_KEY') } },
  });
  expect(await names(cache)).toEqual(['local']);
});

test('after the key was rotated, tokens are sealed with the new one at the next start', async () => {
  const cache = await room.startCache({ ...SEALING, REGISTRIES: '[]' });
  await add(cache, { ...room.local('second'), token: 'secret' });
  await cache.stop();
  const rotated = { PLUGIN_SECRETS_KEY: `${key('k2', 9)},${key('k1', 7)}`, REGISTRIES: '[]' };
  await (await room.startCache(rotated)).stop();
  expect((await storedToken('second'))?.split(':')[1]).toBe('k2');
  const again = await room.startCache({ PLUGIN_SECRETS_KEY: key('k2', 9), REGISTRIES: '[]' });
  await again.send('POST', '/api/marketplace/refresh');
  expect(room.remote.requests.at(-1)?.authorization).toBe('Bearer secret');
});

test('the settings say what is there, until somebody says otherwise by API', async () => {
  const second = await room.startRemote();
  const settings = (...registries: object[]) => ({ ...SEALING, REGISTRIES: JSON.stringify(registries) });
  const first = await room.startCache(settings(room.local('one'), room.local('two'), room.local('three')));
  await change(first, 'two', { verified: false });
  await first.send('DELETE', `${REGISTRIES}/three`, undefined, operator);
  await first.stop();

  const moved = { ...room.local('one', second.url), token: 'from-settings' };
  const again = await room.startCache(settings(moved, room.local('two'), room.local('three'), room.local('four')));
  expect(await names(again)).toEqual(['one', 'four', 'two']);
  expect((await again.get(`${REGISTRIES}/one`, operator)).body.data).toMatchObject({ url: moved.url, tokenSet: true });
  expect((await again.get(`${REGISTRIES}/two`, operator)).body.data).toMatchObject({ verified: false });
  await again.stop();

  const sealed = await storedToken('one');
  const last = await room.startCache(settings(moved));
  expect(await names(last)).toEqual(['one', 'two']);
  // The same token: nothing of the registry has changed.
  expect(await storedToken('one')).toBe(sealed);
});

test('a registry that is not local may not be at an address of our own network', async () => {
  const cache = await room.startCache();
  const added = await add(cache, { name: 'inside', url: 'https://127.0.0.1:9/registry.json' });
  expect(added.body.data).toMatchObject({ lastError: expect.stringContaining('not an address of the internet') });
  expect((await add(cache, { name: 'plain', url: 'http://registry.example/registry.json' })).status).toBe(400);
});
