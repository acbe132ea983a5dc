import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { PluginInstalled } from '@verifywise/contracts';
import { eventually } from '../../../test/support/eventually.ts';
import { RegistryRoom, type Running } from './testing/registry-room.ts';

/** A change is seen within a second, everywhere. */
const A_SECOND_MS = 1_000;
/** After the broker was away. */
const CONVERGED_WITHIN_MS = 10_000;

let room: RegistryRoom;

beforeAll(async () => {
  room = await RegistryRoom.open();
}, 60_000);
beforeEach(() => room.beforeEach());
afterEach(() => room.afterEach(), 60_000);
afterAll(() => room.close(), 60_000);

async function flagsAt(cache: Running, tenant: string): Promise<Record<string, unknown>> {
  const { body } = await cache.get('/api/marketplace', { tenant });
  const { plugins, installedKnown } = body.data as unknown as {
    plugins: Record<string, unknown>[];
    installedKnown: boolean;
  };
  const { installedVersion, enabled, hasUpdate } = plugins[0] ?? {};
  return { installedVersion, enabled, hasUpdate, installedKnown };
}

test('a change is seen on every replica within a second, although nobody tells of it', async () => {
  const replicas = [await room.startCache(), await room.startCache()];
  room.install('acme', 'activity-feed', '1.0.0');
  room.install('globex', 'activity-feed', '1.1.0', false);
  for (const replica of replicas) {
    await flagsAt(replica, 'acme');
    await flagsAt(replica, 'globex');
  }
  room.install('acme', 'activity-feed', '1.1.0');
  await pause(A_SECOND_MS);
  for (const replica of replicas) {
    expect(await flagsAt(replica, 'acme')).toEqual({
      ...{ installedVersion: '1.1.0', enabled: true },
      ...{ hasUpdate: false, installedKnown: true },
    });
    // The neighbour has its own version and its own state.
    expect(await flagsAt(replica, 'globex')).toMatchObject({ installedVersion: '1.1.0', enabled: false });
  }
  room.installed.delete('acme');
  await pause(A_SECOND_MS);
  for (const replica of replicas) expect(await flagsAt(replica, 'acme')).toMatchObject({ installedVersion: null });
});

test('word of a change is heard, and the tenant has what it says', async () => {
  const cache = await room.startCache();
  await cache.get('/api/marketplace');
  expect(await flagsAt(cache, 'globex')).toMatchObject({ installedVersion: null });
  room.install('globex', 'activity-feed', '1.1.0');
  const payload = { pluginId: 'activity-feed', version: '1.1.0', state: 'enabled', generation: 1 } as const;
  await room.others.publish(PluginInstalled, { tenant: 'globex', payload });
  await eventually(async () => expect(await flagsAt(cache, 'globex')).toMatchObject({ installedVersion: '1.1.0' }));
});

test('while the broker is gone the last flags are shown, as such and without waiting for it; back, they are right within 10 s', async () => {
  const replicas = [await room.startCache(), await room.startCache()];
  room.install('acme', 'activity-feed', '1.0.0');
  for (const replica of replicas) await flagsAt(replica, 'acme');
  await room.rabbit.kill();
  room.install('acme', 'activity-feed', '1.1.0', false);
  for (const replica of replicas) {
    await eventually(async () =>
      expect(await flagsAt(replica, 'acme')).toEqual({
        ...{ installedVersion: '1.0.0', enabled: true },
        ...{ hasUpdate: true, installedKnown: false },
      }),
    );
    // Of whom nothing is known, nothing is said; the marketplace can be browsed all the same.
    expect(await flagsAt(replica, 'stranger')).toMatchObject({ installedVersion: null, installedKnown: false });
    expect((await replica.get('/api/marketplace?installed=true', { tenant: 'stranger' })).status).toBeGreaterThan(499);
  }
  await room.rabbit.restart();
  await eventually(
    async () => {
      for (const replica of replicas) {
        expect(await flagsAt(replica, 'acme')).toEqual({
          ...{ installedVersion: '1.1.0', enabled: false },
          ...{ hasUpdate: false, installedKnown: true },
        });
      }
    },
    { within: CONVERGED_WITHIN_MS },
  );
}, 120_000);
