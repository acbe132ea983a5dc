import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { CataloguePlugin } from '../catalogue/catalogue.ts';
import { aPlugin, aRegistry } from '../catalogue/testing/listed-plugins.ts';
import { PNG, startRemoteRegistry, type RemoteRegistry } from '../testing/remote-registry.ts';
import { pluginIcons, type IconCache } from './plugin-icons.ts';

let remote: RemoteRegistry;

beforeEach(async () => {
  remote = await startRemoteRegistry();
});
afterEach(() => remote.stop());

const MARKUP = Buffer.from('<svg onload="alert(1)"/>');
const clock = { now: 0 };

/** Keeps them as Redis would. */
function aCache(): IconCache {
  const kept = new Map<string, Buffer>();
  return {
    get: (address) => Promise.resolve(kept.get(address)),
    put: (address, png) => Promise.resolve(void kept.set(address, png)),
  };
}

function offered(id: string, icon = `${remote.url}/icons/${id}.png`): CataloguePlugin {
  return { plugin: aPlugin(id, { icon }), registry: aRegistry('local', { url: `${remote.url}/r.json`, local: true }) };
}
const asked = () => remote.requests.map(({ path }) => path);

test('an icon that cannot be had is not fetched again for a while, and one that is mended is there after it', async () => {
  const icons = pluginIcons(aCache(), () => clock.now);
  const [notes, other] = [offered('notes'), offered('other')];
  remote.icon = MARKUP;
  for (let times = 0; times < 3; times += 1)
    await expect(icons(notes)).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'The icon of notes is not a PNG' });
  expect(asked()).toEqual(['/icons/notes.png']);
  // Its neighbour is asked for all the same.
  await expect(icons(other)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(asked()).toEqual(['/icons/notes.png', '/icons/other.png']);

  remote.icon = PNG;
  await expect(icons(notes)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  clock.now += 60_000;
  expect(await icons(notes)).toEqual(PNG);
  expect(await icons(notes)).toEqual(PNG);
  expect(asked().filter((path) => path === '/icons/notes.png')).toHaveLength(2);
});

test('a server that is not there is not asked again for a while either, and a new catalogue knows nothing of it', async () => {
  const icons = pluginIcons(aCache(), () => clock.now);
  const gone = offered('notes', 'http://127.0.0.1:1/notes.png');
  const failures = await Promise.allSettled([icons(gone), icons(gone)]);
  expect(failures).toMatchObject([
    { status: 'rejected', reason: { code: 'UPSTREAM_FAILED' } },
    { status: 'rejected', reason: { code: 'UPSTREAM_FAILED' } },
  ]);
  // Not even tried: it is the error of the first time.
  const reasonOf = ([failure]: PromiseSettledResult<Buffer>[]) => (failure as PromiseRejectedResult).reason as unknown;
  expect(reasonOf(await Promise.allSettled([icons(gone)]))).toBe(reasonOf(failures));
  expect(await icons(offered('notes'))).toEqual(PNG);
});

test('who asks while it is being fetched waits for the same fetch', async () => {
  const icons = pluginIcons(aCache(), () => clock.now);
  const notes = offered('notes');
  expect(await Promise.all([icons(notes), icons(notes), icons(notes)])).toEqual([PNG, PNG, PNG]);
  expect(asked()).toEqual(['/icons/notes.png']);
});
