import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { FindRegistryEntry, ListRegistryVersions } from '@verifywise/contracts';
import { operator, RegistryRoom, viewer } from './testing/registry-room.ts';
import { listedPlugin } from './testing/remote-registry.ts';

let room: RegistryRoom;

beforeAll(async () => {
  room = await RegistryRoom.open();
}, 60_000);
beforeEach(() => room.beforeEach());
afterEach(() => room.afterEach(), 60_000);
afterAll(() => room.close(), 60_000);

test('the marketplace answers in the shape of the spec, with what the tenant has', async () => {
  room.install('acme', 'activity-feed', '1.0.0');
  const cache = await room.startCache();
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
          download: `${room.remote.url}/downloads/activity-feed-1.1.0.zip`,
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
  const cache = await room.startCache();
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
  const cache = await room.startCache();
  expect((await fetch(`${cache.url}/api/marketplace`)).status).toBe(401);
  expect((await cache.get('/api/marketplace', viewer)).status).toBe(200);
  expect((await cache.send('POST', '/api/marketplace/refresh', undefined, viewer)).status).toBe(403);
  expect((await cache.get('/api/marketplace/registries')).status).toBe(403);
  expect((await cache.get('/api/marketplace/registries', operator)).status).toBe(200);
  expect((await cache.get('/api/marketplace?limit=0')).body.error?.code).toBe('VALIDATION_FAILED');
});

test('a refresh is conditional, sees what is new, and quarantines what is broken', async () => {
  const cache = await room.startCache();
  await cache.get('/api/marketplace');
  expect((await cache.send('POST', '/api/marketplace/refresh')).body.data).toMatchObject({
    registries: [{ registry: 'local', outcome: 'unchanged', plugins: 1 }],
  });
  expect(room.remote.requests.at(-1)?.conditional).toBe(true);

  room.remote.plugins = [...room.remote.plugins, listedPlugin('notes', '1.0.0', room.remote.url), { id: 'broken' }];
  expect((await cache.get('/api/marketplace?refresh=true')).body.data).toMatchObject({ total: 2 });
  expect((await cache.get('/api/marketplace/registries/local/problems', operator)).body.data).toEqual([
    { plugin: 'broken', reason: expect.stringContaining('"name"') },
  ]);
});

test('while the registry is down its last listing is served as stale, also after a restart', async () => {
  const cache = await room.startCache();
  await cache.get('/api/marketplace');
  room.remote.status = 503;
  const failed = await cache.send('POST', '/api/marketplace/refresh');
  expect(failed).toMatchObject({ status: 502, body: { error: { code: 'REGISTRY_UNAVAILABLE' } } });
  expect((await cache.get('/api/marketplace')).body.data).toMatchObject({ stale: true, total: 1 });
  await cache.stop();

  const again = await room.startCache({ REDIS_URL: 'redis://127.0.0.1:1' });
  const { body } = await again.get('/api/marketplace');
  expect(body.data).toMatchObject({
    stale: true,
    total: 1,
    registries: [{ lastError: expect.stringContaining('503') }],
  });
});

test('a registry that could never be fetched is 502, and works as soon as it answers', async () => {
  room.remote.status = 500;
  const cache = await room.startCache();
  expect((await cache.get('/api/marketplace')).body.error?.code).toBe('REGISTRY_UNAVAILABLE');
  room.remote.status = 200;
  expect((await cache.get('/api/marketplace?refresh=true')).body.data).toMatchObject({ total: 1 });
});

test('the installer finds the entry of a version, also of one published a moment ago', async () => {
  const cache = await room.startCache();
  await cache.get('/api/marketplace');
  const find = (id: string, version?: string) =>
    room.others.ask(FindRegistryEntry, { tenant: 'acme', payload: version === undefined ? { id } : { id, version } });
  expect(await find('activity-feed')).toMatchObject({
    version: '1.1.0',
    registry: 'local',
    local: true,
    verified: true,
  });
  expect(await find('activity-feed', '1.0')).toMatchObject({
    version: '1.0.0',
    downloadUrl: `${room.remote.url}/downloads/activity-feed-1.0.0.zip`,
    allowedHosts: ['127.0.0.1'],
  });
  expect(await find('activity-feed', '9.9.9')).toBeNull();
  expect(await find('nothing')).toBeNull();
  const versions = (id: string) => room.others.ask(ListRegistryVersions, { tenant: 'acme', payload: { id } });
  expect((await versions('activity-feed')).map(({ version }) => version)).toEqual(['1.1.0', '1.0.0']);
  expect(await versions('nothing')).toEqual([]);
});

test('an icon comes from our origin, as PNG or not at all', async () => {
  const cache = await room.startCache();
  const token = { tenant: 'acme' };
  expect((await cache.get('/api/marketplace/nothing/icon', token)).status).toBe(404);
  room.remote.icon = Buffer.from('<svg onload="alert(1)"/>');
  room.remote.plugins = [listedPlugin('drawn', '1.0.0', room.remote.url)];
  await cache.send('POST', '/api/marketplace/refresh');
  expect(await cache.get('/api/marketplace/drawn/icon')).toMatchObject({ status: 404 });
});

test('what it can do is described', async () => {
  const cache = await room.startCache();
  const document = (await (await fetch(`${cache.url}/openapi.json`)).json()) as { paths: object };
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining([
      '/api/marketplace',
      '/api/marketplace/{id}',
      '/api/marketplace/registries/{name}/problems',
    ]),
  );
});
