import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { PluginInstalled } from '@verifywise/contracts';
import { eventually } from '../../../test/support/eventually.ts';
import { RegistryRoom } from './testing/registry-room.ts';
import { listedPlugin } from './testing/remote-registry.ts';

let room: RegistryRoom;

beforeAll(async () => {
  room = await RegistryRoom.open();
}, 60_000);
beforeEach(() => room.beforeEach());
afterEach(() => room.afterEach(), 60_000);
afterAll(() => room.close(), 60_000);

const told = () => room.updates.map(({ tenant, pluginId, version }) => `${tenant} ${pluginId} ${version}`).sort();

/** Everything there is to tell was told: the sweep is over and nothing waits to be published. */
const settled = () =>
  eventually(async () => {
    const { rows } = await room.sql.query<{ waiting: number; swept: boolean }>(
      `SELECT (SELECT count(*)::int FROM registry_cache.outbox) AS waiting,
        (SELECT finished_at IS NOT NULL AND leased_until IS NULL FROM registry_cache.update_sweeps) AS swept`,
    );
    expect(rows).toEqual([{ waiting: 0, swept: true }]);
  });

test('each tenant is told once of each version, by whichever of two replicas, and not again after restarts', async () => {
  const { url } = room.remote;
  room.install('acme', 'activity-feed', '1.0.0');
  room.install('globex', 'activity-feed', '1.1.0');
  room.install('initech', 'activity-feed', '1.0.0', false);
  room.install('initech', 'not-listed', '1.0.0');
  let replicas = await Promise.all([room.startCache(), room.startCache()]);
  await eventually(() => expect(told()).toEqual(['acme activity-feed 1.1.0', 'initech activity-feed 1.1.0']));
  expect(room.updates[0]).toMatchObject({ version: '1.1.0', installedVersion: '1.0.0', registry: 'local' });

  for (const replica of replicas) await replica.stop();
  replicas = await Promise.all([room.startCache(), room.startCache()]);
  room.remote.plugins = [listedPlugin('activity-feed', '2.0.0', url)];
  await Promise.all(replicas.map((replica) => replica.send('POST', '/api/marketplace/refresh')));
  await eventually(() => expect(room.updates).toHaveLength(5));
  // What is forgotten is looked at again, and found to have been told.
  await room.sql.query('UPDATE registry_cache.update_sweeps SET catalogue = NULL, finished_at = NULL');
  for (const replica of replicas) await replica.stop();
  await Promise.all([room.startCache(), room.startCache()]);
  await settled();
  expect(told()).toEqual([
    'acme activity-feed 1.1.0',
    'acme activity-feed 2.0.0',
    'globex activity-feed 2.0.0',
    'initech activity-feed 1.1.0',
    'initech activity-feed 2.0.0',
  ]);
  expect(new Set(room.updates.map(({ messageId }) => messageId)).size).toBe(5);
}, 120_000);

test('who installs an old version is told at once, on one replica only', async () => {
  await Promise.all([room.startCache(), room.startCache()]);
  await settled();
  room.install('acme', 'activity-feed', '1.0.0');
  const payload = { pluginId: 'activity-feed', version: '1.0.0', state: 'enabled', generation: 1 } as const;
  await Promise.all([1, 2, 3].map(() => room.others.publish(PluginInstalled, { tenant: 'acme', payload })));
  await eventually(() => expect(told()).toEqual(['acme activity-feed 1.1.0']));
  await settled();
  expect(told()).toEqual(['acme activity-feed 1.1.0']);
});

test('where the newest does not run here, the newest that does is what is offered and told of', async () => {
  const { url } = room.remote;
  const version = (number: string, minVersion: string) =>
    listedPlugin('activity-feed', number, url, { compatibility: { minVersion } });
  const versions = [version('2.0.0', '1.0.0'), version('1.0.0', '1.0.0'), version('2.1.0-beta.1', '1.0.0')];
  room.remote.plugins = [{ ...version('3.0.0', '9.0.0'), versions }];
  room.install('acme', 'activity-feed', '1.0.0');
  const cache = await room.startCache();
  await eventually(() => expect(told()).toEqual(['acme activity-feed 2.0.0']));
  const offered = { version: '2.0.0', compatible: true, download: `${url}/downloads/activity-feed-2.0.0.zip` };
  for (const path of ['/api/marketplace', '/api/marketplace?installed=updates', '/api/marketplace/updates'])
    expect((await cache.get(path)).body.data).toMatchObject({ plugins: [{ ...offered, hasUpdate: true }] });
  expect((await cache.get('/api/marketplace/activity-feed')).body.data).toMatchObject({
    ...offered,
    versions: [{ version: '3.0.0', compatible: false }, { version: '2.1.0-beta.1' }, { version: '2.0.0' }, {}],
    dependencyPlan: [{ id: 'activity-feed', action: 'update', version: '2.0.0' }],
  });
});

test('a version that does not run here is no update to tell of', async () => {
  const { url } = room.remote;
  room.remote.plugins = [listedPlugin('activity-feed', '3.0.0', url, { compatibility: { minVersion: '9.0.0' } })];
  room.install('acme', 'activity-feed', '1.0.0');
  await room.startCache();
  await settled();
  expect(told()).toEqual([]);
});
