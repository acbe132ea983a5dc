import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { envelope } from '@verifywise/contracts';
import { StoreDatabase } from '../testing/store-database.ts';
import { RunnerTables1732300000001 } from './migrations/0001-runner-tables.ts';
import { ParkedEvents1732300000009 } from './migrations/0009-parked-events.ts';
import { ParkedEventStore } from './parked-event-store.ts';

const ACME = { tenant: 'acme', pluginId: 'feed' };
const GLOBEX = { tenant: 'globex', pluginId: 'feed' };
const HELD = { partition: 3, epoch: 7 };
const RETRY = { attempts: 2, version: '1.0.0', failed: [{ handler: 0, message: 'not yet' }], dueAt: 1_700_000_000_000 };

describe('parked events in PostgreSQL', () => {
  let database: StoreDatabase;
  let store: ParkedEventStore;
  beforeAll(async () => {
    database = await StoreDatabase.open([RunnerTables1732300000001, ParkedEvents1732300000009]);
    store = new ParkedEventStore(database.source);
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    for (const table of ['parked_events', 'partitions', 'installations'])
      await database.source.query(`DELETE FROM ${table}`);
    await database.source.query(`INSERT INTO partitions (partition, epoch) VALUES (3, 7)`);
    for (const { tenant, pluginId } of [ACME, GLOBEX])
      await database.source.query(`INSERT INTO installations VALUES ($1, $2, 3, 1, '{}')`, [tenant, pluginId]);
  });

  const events = (...ids: string[]) =>
    ids.map((id) => ({
      envelope: envelope({
        id,
        type: 'risk.created',
        tenant: 'acme',
        payload: { text: '\u0000\ud800' },
        source: 'test',
      }),
      retry: undefined,
    }));
  const idsOf = async (lane: typeof ACME) => (await store.after(lane, 0, 100)).map(({ envelope: { id } }) => id);

  test('keep their order, whole, and are each tenant’s own', async () => {
    await store.add(ACME, events('c', 'a', 'b'), HELD);
    await store.add(GLOBEX, events('a'), HELD);
    await store.add(ACME, events('0'), HELD);
    expect(await idsOf(ACME)).toEqual(['c', 'a', 'b', '0']);
    const [first, second] = await store.after(ACME, 0, 2);
    expect(first).toMatchObject({ envelope: { id: 'c', payload: { text: '\u0000\ud800' } }, retry: undefined });
    expect((await store.after(ACME, second?.position ?? 0, 1))[0]?.envelope.id).toBe('b');
    expect(await store.ofPartition(3)).toEqual(
      expect.arrayContaining([
        { ...ACME, parked: 4 },
        { ...GLOBEX, parked: 1 },
      ]),
    );
    expect(await store.ofPartition(4)).toEqual([]);
  });

  test('are kept once, however often they come', async () => {
    expect([...((await store.add(ACME, events('a', 'a'), HELD)) ?? [])]).toHaveLength(1);
    const again = await store.add(ACME, events('a', 'b'), HELD);
    expect([...(again?.keys() ?? [])]).toEqual(['b']);
    expect(await idsOf(ACME)).toEqual(['a', 'b']);
  });

  test('are not kept for who holds the partition no more, or for a plugin that was uninstalled', async () => {
    expect(await store.add(ACME, events('a'), { partition: 3, epoch: 6 })).toBeNull();
    expect(await store.add(ACME, events('a'), { partition: 4, epoch: 7 })).toBeNull();
    expect(await store.add({ tenant: 'acme', pluginId: 'gone' }, events('a'), HELD)).toBeNull();
    expect(await idsOf(ACME)).toEqual([]);
  });

  test('that are on their way hold up the next claim of the partition', async () => {
    const claim = `UPDATE partitions SET epoch = epoch + 1 WHERE partition = 3 RETURNING epoch`;
    await database.source.transaction(async (transaction) => {
      await new ParkedEventStore(transaction).add(ACME, events('a'), HELD);
      await expect(
        database.source.transaction(async (next) => {
          await next.query(`SET LOCAL lock_timeout = '100ms'`);
          await next.query(claim);
        }),
      ).rejects.toThrow(/lock timeout/);
    });
    await database.source.query(claim);
    expect(await idsOf(ACME)).toEqual(['a']);
    expect(await store.add(ACME, events('b'), HELD)).toBeNull();
  });

  test('wait with what they wait for, and go one by one or all', async () => {
    const places = await store.add(
      ACME,
      [...events('a'), ...events('b'), ...events('c').map((event) => ({ ...event, retry: RETRY }))],
      HELD,
    );
    const placeOf = (id: string) => places?.get(id) ?? NaN;
    expect(await store.withRetry(ACME)).toMatchObject([{ envelope: { id: 'c' }, retry: RETRY }]);
    await store.keepRetry(ACME, placeOf('c'), undefined);
    await store.keepRetry(ACME, placeOf('a'), RETRY);
    expect(await store.withRetry(ACME)).toMatchObject([{ envelope: { id: 'a' }, retry: RETRY }]);
    await store.remove(GLOBEX, [placeOf('a')]);
    await store.remove(ACME, [placeOf('b')]);
    expect(await idsOf(ACME)).toEqual(['a', 'c']);
    await store.removeAll(ACME);
    expect(await idsOf(ACME)).toEqual([]);
  });
});
