import { beforeEach, expect, test } from '@jest/globals';
import type { Activity, PluginContext } from '@verifywise/plugin-types';
import { Feed } from './feed.ts';

let stored: Map<string, unknown>;
let limit: number;
let feed: Feed;

beforeEach(() => {
  stored = new Map();
  limit = 50;
  feed = new Feed(contextWith({ get: () => limit }));
});

/** Only what the feed uses of a context; the platform's own behaves the same and is tested where it is. */
function contextWith(config: object): PluginContext {
  const metadata = {
    set: (_type: string, _id: number, key: string, value: unknown) => Promise.resolve(void stored.set(key, value)),
    delete: (_type: string, _id: number, key: string) => Promise.resolve(stored.delete(key)),
    findByKeyPrefix: () => Promise.resolve([...stored].map(([key, value]) => ({ key, value }))),
  };
  return { config, metadata } as unknown as PluginContext;
}

function activity(id: string, minute: number): Activity {
  const timestamp = new Date(Date.UTC(2025, 11, 8, 10, minute)).toISOString();
  return { id, action: 'created', entityType: 'risk', entityName: id, user: { name: 'Ada' }, timestamp };
}

async function ids(): Promise<string[]> {
  return (await feed.activities()).map(({ id }) => id);
}

test('activities come newest first, in whatever order they were recorded', async () => {
  for (const [id, minute] of [
    ['b', 2],
    ['a', 1],
    ['c', 10],
  ] as const)
    await feed.record(activity(id, minute));
  expect(await ids()).toEqual(['c', 'b', 'a']);
});

test('an event that is delivered again is recorded once', async () => {
  await feed.record(activity('a', 1));
  await feed.record(activity('a', 1));
  expect(await ids()).toEqual(['a']);
});

test('two handlers at the same time lose nothing', async () => {
  await Promise.all([feed.record(activity('a', 1)), feed.record(activity('b', 1)), feed.record(activity('c', 2))]);
  expect((await ids()).toSorted()).toEqual(['a', 'b', 'c']);
});

test('beyond the limit the oldest go, also when the limit was lowered or an old event comes again', async () => {
  for (let minute = 0; minute < 5; minute += 1) await feed.record(activity(`e${minute}`, minute));
  limit = 2;
  await feed.record(activity('e5', 5));
  await feed.record(activity('e0', 0));
  expect(await ids()).toEqual(['e5', 'e4']);
});

test('every key is one that metadata accepts', async () => {
  await feed.record(activity('6f9619ff-8b86-d011-b42d-00cf4fc964ff', 1));
  for (const key of stored.keys()) expect(key).toMatch(/^[A-Za-z][A-Za-z0-9_:./-]{0,253}$/);
});
