import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { FindRegistryEntry } from '@verifywise/contracts';
import { eventually } from '../../../test/support/eventually.ts';
import { operator, RegistryRoom, type Running } from './testing/registry-room.ts';
import { listedPlugin } from './testing/remote-registry.ts';

let room: RegistryRoom;

beforeAll(async () => {
  room = await RegistryRoom.open();
}, 60_000);
beforeEach(() => room.beforeEach());
afterEach(() => room.afterEach(), 60_000);
afterAll(() => room.close(), 60_000);

const ids = async (cache: Running) =>
  ((await cache.get('/api/marketplace')).body.data as unknown as { plugins: { id: string }[] }).plugins.map(
    ({ id }) => id,
  );
const refresh = (cache: Running) => cache.send('POST', '/api/marketplace/refresh');
const problems = async (cache: Running) =>
  (await cache.get('/api/marketplace/registries/local/problems', operator)).body.data as unknown as {
    plugin: string;
    reason: string;
  }[];

test('replicas that refresh at once make one fetch of it, and all have its result', async () => {
  const caches = [await room.startCache(), await room.startCache()];
  for (const cache of caches) await cache.get('/api/marketplace');
  room.remote.plugins = [listedPlugin('notes', '2.0.0', room.remote.url)];
  const before = room.remote.documents().length;
  const gate = Promise.withResolvers<undefined>();
  room.remote.gate = gate.promise;
  const refreshing = caches.flatMap((cache) => [refresh(cache), refresh(cache)]);
  await eventually(() => expect(room.remote.documents().length).toBe(before + 1));
  // Whoever looks meanwhile sees what there was, and does not wait.
  for (const cache of caches) expect(await ids(cache)).toEqual(['activity-feed']);
  gate.resolve(undefined);
  for (const answer of await Promise.all(refreshing)) {
    expect(answer).toMatchObject({ status: 200, body: { data: { registries: [{ plugins: 1 }], total: 1 } } });
  }
  for (const cache of caches) expect(await ids(cache)).toEqual(['notes']);
  expect(room.remote.documents().length).toBe(before + 1);
  expect(room.remote.mostAtOnce).toBe(1);
  await eventually(() => expect(room.refreshes).toHaveLength(2));
  expect(room.refreshes.at(-1)).toEqual({ registry: 'local', plugins: 1, quarantined: 0 });
});

test('a refresh whose replica died is taken over when its time is over, and its late result counts for nothing', async () => {
  const cache = await room.startCache();
  await cache.get('/api/marketplace');
  const gate = Promise.withResolvers<undefined>();
  room.remote.gate = gate.promise;
  room.remote.plugins = [listedPlugin('late', '1.0.0', room.remote.url)];
  const before = room.remote.documents().length;
  const lost = refresh(cache);
  await eventually(() => expect(room.remote.documents().length).toBe(before + 1));
  await room.sql.query(`UPDATE registry_cache.registries SET leased_until = now() - interval '1 second'`);
  const other = await room.startCache();
  room.remote.gate = Promise.resolve();
  room.remote.plugins = [listedPlugin('taken-over', '1.0.0', room.remote.url)];
  expect(await refresh(other)).toMatchObject({ status: 200 });
  room.remote.plugins = [listedPlugin('late', '1.0.0', room.remote.url)];
  gate.resolve(undefined);
  await lost;
  for (const one of [cache, other]) await eventually(async () => expect(await ids(one)).toEqual(['taken-over']));
});

test('when its time is over a listing is served as stale and fetched again, without anybody waiting', async () => {
  const cache = await room.startCache({ REGISTRY_TTL_MS: '1000' });
  await cache.get('/api/marketplace');
  const gate = Promise.withResolvers<undefined>();
  room.remote.gate = gate.promise;
  room.remote.plugins = [listedPlugin('notes', '2.0.0', room.remote.url)];
  await eventually(async () =>
    expect((await cache.get('/api/marketplace')).body.data).toMatchObject({
      stale: true,
      ageSeconds: expect.any(Number),
      plugins: [{ id: 'activity-feed' }],
    }),
  );
  gate.resolve(undefined);
  await eventually(async () => expect(await ids(cache)).toEqual(['notes']));
});

test.each(['etag', 'last-modified'] as const)('what has not changed by its %s is not sent again', async (validator) => {
  room.remote.validator = validator;
  const cache = await room.startCache();
  await cache.get('/api/marketplace');
  expect((await refresh(cache)).body.data).toMatchObject({ registries: [{ outcome: 'unchanged', plugins: 1 }] });
  expect(room.remote.documents().map(({ conditional }) => conditional)).toEqual([false, true]);
  room.remote.plugins = [];
  expect((await refresh(cache)).body.data).toMatchObject({ registries: [{ outcome: 'refreshed', plugins: 0 }] });
  await eventually(() => expect(room.refreshes.map(({ plugins }) => plugins)).toEqual([1, 0]));
});

test('a server that cannot tell whether it has changed is no news either, when it sends the same', async () => {
  room.remote.validator = 'none';
  const cache = await room.startCache();
  await cache.get('/api/marketplace');
  expect((await refresh(cache)).body.data).toMatchObject({ registries: [{ outcome: 'unchanged' }] });
  room.remote.plugins = [];
  await refresh(cache);
  await eventually(() => expect(room.refreshes.map(({ plugins }) => plugins)).toEqual([1, 0]));
});

test('what another version of us has read is fetched whole once more', async () => {
  const cache = await room.startCache();
  await cache.get('/api/marketplace');
  await room.sql.query('UPDATE registry_cache.registries SET reading = 0');
  await refresh(cache);
  await refresh(cache);
  expect(room.remote.documents().map(({ conditional }) => conditional)).toEqual([false, false, true]);
});

test('a registry that keeps failing is left alone for a while, and asked again after it', async () => {
  const cache = await room.startCache({ REGISTRY_LEFT_ALONE_MS: '1500' });
  await cache.get('/api/marketplace');
  room.remote.status = 500;
  for (let failures = 0; failures < 3; failures += 1) await refresh(cache);
  const asked = room.remote.documents().length;
  const refused = await refresh(cache);
  expect(refused).toMatchObject({
    status: 502,
    body: { error: { code: 'REGISTRY_UNAVAILABLE', message: expect.stringContaining('left alone') } },
  });
  expect(room.remote.documents().length).toBe(asked);
  expect((await cache.get('/api/marketplace')).body.data).toMatchObject({ stale: true, total: 1 });
  room.remote.status = 200;
  await eventually(async () => expect((await refresh(cache)).status).toBe(200));
  expect((await cache.get('/api/marketplace')).body.data).toMatchObject({ stale: false });
});

test('nobody waits for a registry that hangs while another has something to show', async () => {
  const hanging = await room.startRemote();
  hanging.gate = new Promise(() => undefined);
  const both = JSON.stringify([room.local('local'), room.local('hanging', hanging.url)]);
  const cache = await room.startCache({ REGISTRIES: both, REGISTRY_DEADLINE_MS: '120000' });
  // Who waited would wait for seconds each time, and this test would not end.
  for (let times = 0; times < 20; times += 1) expect(await ids(cache)).toEqual(['activity-feed']);
  expect(hanging.documents()).toHaveLength(1);
});

test('names that nobody lists do not make us ask a registry that has just failed', async () => {
  const failing = await room.startRemote();
  failing.status = 500;
  const both = JSON.stringify([room.local('local'), room.local('failing', failing.url)]);
  const cache = await room.startCache({ REGISTRIES: both });
  await refresh(cache);
  const asked = failing.documents().length;
  for (const id of ['nothing', 'nothing-else', 'nothing-at-all']) {
    await room.sql.query(`UPDATE registry_cache.registries SET failed_at = now() WHERE name = 'failing'`);
    expect(await room.others.ask(FindRegistryEntry, { tenant: 'acme', payload: { id } })).toBeNull();
  }
  expect(failing.documents()).toHaveLength(asked);
});

test('a registry that moved is asked at once on every replica, also where the old one is left alone', async () => {
  const moved = await room.startRemote();
  const env = { REGISTRY_LEFT_ALONE_MS: '600000', REGISTRIES: '[]' };
  const [one, other] = [await room.startCache(env), await room.startCache(env)];
  await one.send('POST', '/api/marketplace/registries', room.local('second'), operator);
  room.remote.status = 500;
  for (let failures = 0; failures < 3; failures += 1) await refresh(other);
  expect((await refresh(other)).body.error?.message).toContain('left alone');
  const { url } = room.local('second', moved.url);
  await one.send('PATCH', '/api/marketplace/registries/second', { url }, operator);
  expect(await refresh(other)).toMatchObject({
    status: 200,
    body: { data: { registries: [{ outcome: 'unchanged' }] } },
  });
});

test('a document without end, one that is too large by its own words, and one that never comes are given up', async () => {
  const cache = await room.startCache({ REGISTRY_LIMIT_BYTES: '4096', REGISTRY_DEADLINE_MS: '700' });
  await cache.get('/api/marketplace');
  room.remote.answer = (res) => {
    const flood = setInterval(() => res.write(Buffer.alloc(1024, 0x20)), 1);
    res.once('close', () => clearInterval(flood));
  };
  expect((await refresh(cache)).body.error?.message).toContain('larger than 4096 bytes');
  room.remote.answer = (res) => void res.writeHead(200, { 'content-length': '999999999' }).write('{');
  expect((await refresh(cache)).body.error?.message).toContain('larger than 4096 bytes');
  delete room.remote.answer;
  room.remote.gate = new Promise(() => undefined);
  const other = await room.startCache({ REGISTRY_DEADLINE_MS: '700' });
  expect((await refresh(other)).body.error?.message).toContain('did not answer within');
  expect(await ids(other)).toEqual(['activity-feed']);
});

test.each([
  ['no JSON', 'not json at all', 'is not JSON'],
  ['no list', '{"plugins": {}}', 'does not list plugins'],
  ['nothing', 'null', 'does not list plugins'],
])('a document with %s in it fails as a whole, and the last one is served', async (_name, text, message) => {
  const cache = await room.startCache();
  await cache.get('/api/marketplace');
  room.remote.answer = (res) => res.end(text);
  const failed = await refresh(cache);
  expect(failed).toMatchObject({ status: 502, body: { error: { message: expect.stringContaining(message) } } });
  expect((await cache.get('/api/marketplace')).body.data).toMatchObject({
    stale: true,
    total: 1,
    registries: [{ lastError: expect.stringContaining(message) }],
  });
});

test('broken entries are kept out with their reasons, and text that no database can hold harms nobody', async () => {
  const { url } = room.remote;
  room.remote.plugins = [
    listedPlugin('good', '1.0.0', url, { changelog: 'all\u0000 fine \ud800' }),
    { id: 'no-name' },
    listedPlugin('elsewhere', '1.0.0', 'https://evil.example'),
    listedPlugin('unsigned', '1.0.0', url, { checksum: 'md5:1234' }),
    listedPlugin('bro\u0000ken', '1.0.0', url),
    listedPlugin('good', '2.0.0', url),
    'not an entry',
  ];
  const cache = await room.startCache();
  expect(await ids(cache)).toEqual(['good']);
  expect((await cache.get('/api/marketplace/good')).body.data).toMatchObject({ changelog: 'all\ufffd fine \ufffd' });
  const found = await problems(cache);
  expect(found.map(({ plugin }) => plugin)).toEqual([
    ...['no-name', 'elsewhere', 'unsigned', 'bro\ufffdken', 'good', 'entry 7'],
  ]);
  expect(found.map(({ reason }) => reason)).toEqual([
    expect.stringContaining('"name"'),
    expect.stringContaining('evil.example is not allowed'),
    expect.stringContaining('checksum'),
    expect.any(String),
    expect.stringContaining('listed twice'),
    'It is not an object',
  ]);
});

test('what Redis has lost or garbled comes from PostgreSQL, also when the registry is gone', async () => {
  const cache = await room.startCache();
  await cache.get('/api/marketplace');
  await cache.stop();
  room.remote.status = 500;
  const withoutRedis = await room.startCache({ REDIS_URL: 'redis://127.0.0.1:1' });
  expect(await ids(withoutRedis)).toEqual(['activity-feed']);
});
