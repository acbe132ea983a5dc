import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { PlatformError } from '@verifywise/contracts';
import { createLogger, openDatabase, type Database } from '@verifywise/service-kit';
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import '../../../../test/support/patience.ts';
import { DownloadLeases } from '../store/download-leases.ts';
import { migrations } from '../store/migrations.ts';
import { fetchedOnce } from './fetched-once.ts';
import { Turns } from './turns.ts';

/** Far longer than a test: nothing ends by itself here. */
const LEASE_MS = 600_000;
const never = new AbortController().signal;

let testDatabase: TestDatabase;
let database: Database;
let leases: DownloadLeases;
/** What all of them share once somebody has brought it, by its key. */
const stored = new Map<string, string>();

beforeAll(async () => {
  testDatabase = await createDatabase();
  const log = createLogger('fetched-once-test', 'silent');
  database = await openDatabase({ url: testDatabase.url, schema: 'installer', entities: [], migrations, log });
  leases = new DownloadLeases(database.source, LEASE_MS);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});
beforeEach(async () => {
  stored.clear();
  await database.source.query('DELETE FROM downloads');
});

/** One of several installers. */
function installer(key = 'package') {
  const download = Promise.withResolvers<string>();
  const begun = Promise.withResolvers<undefined>();
  const turns = new Turns(1);
  const seen = { looks: 0, fetches: 0 };
  const wanted = {
    key,
    find: () => {
      seen.looks += 1;
      return Promise.resolve(stored.get(key) ?? null);
    },
    async fetch() {
      seen.fetches += 1;
      begun.resolve(undefined);
      const fetched = await download.promise;
      stored.set(key, fetched);
      return fetched;
    },
  };
  return {
    ...{ seen, download, turns, begun: begun.promise },
    get: (signal = never) => fetchedOnce({ leases, turns }, wanted, signal),
    /** Resolves when it has seen that another one is at it: it looks again. */
    waits: () => eventually(() => expect(seen.looks).toBeGreaterThan(1)),
  };
}

test('one fetches, the others wait for it and keep nobody of their own from working meanwhile', async () => {
  const [one, other, third] = [installer(), installer(), installer('something else')];
  const first = one.get();
  await one.begun;
  const second = other.get();
  await other.waits();
  expect(await other.turns.take(() => Promise.resolve('free'))).toBe('free');
  const apart = third.get();
  await third.begun;
  third.download.resolve('another package');
  expect(await apart).toBe('another package');
  one.download.resolve('the package');
  expect(await Promise.all([first, second])).toEqual(['the package', 'the package']);
  expect([one.seen.fetches, other.seen.fetches]).toEqual([1, 0]);
  expect(await database.source.query('SELECT * FROM downloads')).toEqual([]);
});

test('what cannot be had is tried once for all who wait, and anew by who comes later', async () => {
  const [one, other] = [installer(), installer()];
  const both = Promise.allSettled([one.get(), one.begun.then(() => other.get())]);
  await other.waits();
  one.download.reject(new PlatformError('DOWNLOAD_FAILED', 'it is gone', { details: { status: 404 } }));
  const refused = { code: 'DOWNLOAD_FAILED', message: 'it is gone', details: { status: 404 } };
  expect(await both).toMatchObject([{ reason: refused }, { reason: refused }]);
  expect(other.seen.fetches).toBe(0);
  const later = installer();
  later.download.resolve('there again');
  expect(await later.get()).toBe('there again');
});

describe('another one goes on', () => {
  test('when nobody wants it any more where it was fetched', async () => {
    const [one, other] = [installer(), installer()];
    const leaving = new AbortController();
    const first = one.get(leaving.signal);
    await one.begun;
    const second = other.get();
    await other.waits();
    leaving.abort(new Error('left'));
    one.download.reject(new PlatformError('DOWNLOAD_FAILED', 'it was called off'));
    await expect(first).rejects.toThrow('called off');
    await other.begun;
    other.download.resolve('the package');
    expect(await second).toBe('the package');
  });

  test('when it failed for a reason of its own', async () => {
    const [one, other] = [installer(), installer()];
    const first = one.get();
    await one.begun;
    const second = other.get();
    await other.waits();
    one.download.reject(new Error('no room left on its disk'));
    await expect(first).rejects.toThrow('no room left');
    other.download.resolve('the package');
    expect(await second).toBe('the package');
  });

  test('when it was killed: its lease ends, and what it held is nobody’s', async () => {
    const dead = await leases.take('package');
    const other = installer();
    const second = other.get();
    await other.waits();
    expect(other.seen.fetches).toBe(0);
    expect(await leases.take('package')).toBeNull();
    await database.source.query('UPDATE downloads SET leased_until = now()');
    await other.begun;
    // Should the dead one only have slept, it takes nothing away.
    await leases.end('package', String(dead));
    await leases.renew('package', String(dead));
    expect(await leases.look('package')).toMatchObject({ underWay: true });
    other.download.resolve('the package');
    expect(await second).toBe('the package');
  });
});

test('who only waits goes when nobody wants it any more', async () => {
  await leases.take('package');
  const waiting = installer();
  const leaving = new AbortController();
  const result = waiting.get(leaving.signal);
  await waiting.waits();
  leaving.abort(new Error('left'));
  await expect(result).rejects.toThrow();
  expect(waiting.seen.fetches).toBe(0);
});
