import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { envelope } from '@verifywise/contracts';
import { fingerprintOf } from '../hosting/failure-fingerprint.ts';
import { isNeverStorable } from '../hosting/never-storable.ts';
import { StoreDatabase } from '../testing/store-database.ts';
import { FailedDeliveryStore } from './failed-delivery-store.ts';
import { RunnerTables1732300000001 } from './migrations/0001-runner-tables.ts';
import { WholeEnvelopes1732300000008 } from './migrations/0008-whole-envelopes.ts';
import { ParkedEvents1732300000009 } from './migrations/0009-parked-events.ts';
import { FailedDeliveries1732300000010 } from './migrations/0010-failed-deliveries.ts';
import { ParkedEventStore } from './parked-event-store.ts';

const ADA = { userId: '7', role: 'Admin', name: 'Ada' };
const HELD = { partition: 3, epoch: 7 };

describe('failed deliveries in PostgreSQL', () => {
  let database: StoreDatabase;
  let store: FailedDeliveryStore;
  beforeAll(async () => {
    database = await StoreDatabase.open([
      RunnerTables1732300000001,
      WholeEnvelopes1732300000008,
      ParkedEvents1732300000009,
      FailedDeliveries1732300000010,
    ]);
    store = new FailedDeliveryStore(database.source);
    await database.source.query(`INSERT INTO partitions (partition, epoch) VALUES (3, 7)`);
  });
  afterAll(() => database.close());

  /** Older ones, a second apart, the newest as old as is said. */
  const older = (tenant: string, count: number, age: string) =>
    database.source.query(
      `INSERT INTO failed_deliveries (id, tenant, plugin_id, version, event_id, event, payload, error, failed_at)
       SELECT gen_random_uuid(), $1, 'feed', '1.0.0', nth::text, 'risk:created', '{}', '{}',
              now() - $3::interval - nth * interval '1 second'
         FROM generate_series(1, $2::int) AS nth`,
      [tenant, count, age],
    );
  const feedOf = (tenant: string) => ({ tenant, pluginId: 'feed' });
  const installed = (tenant: string) =>
    database.source.query(`INSERT INTO installations VALUES ($1, 'feed', 3, 1, '{}')`, [tenant]);
  const add = async (tenant: string, eventId: string, { message = 'no', event = 'risk:created', handler = 0 } = {}) => {
    const sent = envelope({ id: eventId, type: 'risk.created', tenant, payload: { riskId: eventId }, source: 'test' });
    const about = { tenant, pluginId: 'feed', version: '1.0.0', event, envelope: sent, handler, attempts: 1 };
    const id = randomUUID();
    await store.add({ id, ...about, fingerprint: fingerprintOf(event, message), error: { message } });
    return id;
  };
  const kept = async (tenant: string): Promise<string[]> => {
    const sql = 'SELECT event_id FROM failed_deliveries WHERE tenant = $1 ORDER BY failed_at DESC';
    return (await database.source.query<{ event_id: string }[]>(sql, [tenant])).map(({ event_id }) => event_id);
  };
  const listed = async (
    tenant: string,
    ...given: Parameters<FailedDeliveryStore['list']> extends [unknown, ...infer Rest] ? Rest : never
  ) => {
    const { entries, next } = await store.list(feedOf(tenant), ...given);
    return { events: entries.map(({ eventId }) => eventId), next };
  };

  test('are kept up to the newest thousand of a plugin; its neighbours keep theirs', async () => {
    await older('acme', 1_200, '1 minute');
    await older('globex', 1_200, '1 minute');
    await add('acme', 'newest');
    const events = await kept('acme');
    expect(events).toHaveLength(1_000);
    expect([events[0], events[1], events.at(-1)]).toEqual(['newest', '1', '999']);
    expect(await kept('globex')).toHaveLength(1_200);
  });

  test('what PostgreSQL will never take is told apart from what it cannot take now', async () => {
    const refusal = (sql: string, values: string[]) =>
      database.source.query(sql, values).then(
        () => 'taken',
        (error: unknown) => isNeverStorable(error),
      );
    expect(await refusal('SELECT $1::jsonb', ['"\\u0000"'])).toBe(true);
    expect(await refusal('SELECT $1::jsonb', ['"\\ud83d"'])).toBe(true);
    expect(await refusal('SELECT $1::text', ['\0'])).toBe(true);
    expect(await refusal('SELECT $1::json', ['"\\u0000\\ud83d"'])).toBe('taken');
    expect(await refusal('SELECT 1 FROM renamed WHERE $1 = 1', ['1'])).toBe(false);
  });

  test('are kept for a month, whoever fails next', async () => {
    await older('quiet', 2, '31 days');
    await older('recent', 2, '29 days');
    const another = new FailedDeliveryStore(database.source);
    const sent = envelope({ id: 'x', type: 'risk.created', tenant: 'acme', payload: {}, source: 'test' });
    const about = { ...feedOf('acme'), version: '1.0.0', event: 'risk:created', envelope: sent };
    await another.add({
      id: randomUUID(),
      ...about,
      handler: 0,
      attempts: 1,
      fingerprint: '',
      error: { message: 'no' },
    });
    expect(await kept('quiet')).toEqual([]);
    expect(await kept('recent')).toHaveLength(2);
  });

  test('are listed page by page, newest first, chosen by kind, event and time', async () => {
    for (const number of [1, 2, 3]) await add('lists', `risk-${number}`, { message: `Risk ${number} is gone` });
    await add('lists', 'task-1', { event: 'task:created', message: 'Task 1 is gone' });
    await add('other', 'risk-9');
    const first = await listed('lists', {}, { limit: 3 });
    expect(first).toEqual({ events: ['task-1', 'risk-3', 'risk-2'], next: expect.stringMatching(/^\d+$/) });
    expect(await listed('lists', {}, { limit: 3, before: first.next })).toEqual({ events: ['risk-1'], next: null });
    const alike = { fingerprint: fingerprintOf('risk:created', 'Risk 77 is gone') };
    expect((await listed('lists', alike, { limit: 10 })).events).toEqual(['risk-3', 'risk-2', 'risk-1']);
    expect((await listed('lists', { event: 'task:created' }, { limit: 10 })).events).toEqual(['task-1']);
    expect((await listed('lists', { until: '2020-01-01T00:00:00Z' }, { limit: 10 })).events).toEqual([]);
    expect(await store.groups(feedOf('lists'))).toMatchObject([
      { event: 'task:created', count: 1, message: 'Task 1 is gone' },
      { event: 'risk:created', count: 3, message: 'Risk 3 is gone' },
    ]);
  });

  test('are shown with their event to their own tenant', async () => {
    const id = await add('shows', 'risk-1');
    expect(await store.find(feedOf('shows'), id)).toMatchObject({ id, payload: { riskId: 'risk-1' }, attempts: 1 });
    expect(await store.find(feedOf('other'), id)).toBeNull();
  });

  test('are parked for the handlers that failed when they are replayed, once for each event, and it is told who did it', async () => {
    await installed('replays');
    await add('replays', 'risk-1', { handler: 0, message: 'first' });
    await add('replays', 'risk-1', { handler: 2, message: 'third' });
    await add('replays', 'risk-2');
    await add('neighbour', 'risk-1');
    const of = feedOf('replays');
    expect(await store.count(of, {})).toBe(3);
    const asked = { selection: { event: 'risk:created' }, actor: ADA };
    expect(await store.replay(of, asked, { ...HELD, epoch: 6 })).toBeNull();
    expect(await store.replay(of, asked, HELD)).toEqual({ replayed: 3, waiting: 0, more: false });
    const parked = await new ParkedEventStore(database.source).after(of, 0, 10);
    expect(parked).toMatchObject([
      { envelope: { id: 'risk-1' }, retry: { failed: [{ handler: 0, message: 'first' }, { handler: 2 }] } },
      { envelope: { id: 'risk-2' }, retry: { attempts: 0, version: '1.0.0' } },
    ]);
    expect(await kept('replays')).toEqual([]);
    expect(await kept('neighbour')).toEqual(['risk-1']);
    await add('replays', 'risk-2');
    expect(await store.replay(of, asked, HELD)).toEqual({ replayed: 0, waiting: 1, more: false });
    expect(await store.audit(of, { limit: 10 })).toMatchObject({
      entries: [
        { action: 'replay', count: 0 },
        { action: 'replay', count: 3, actor: ADA, selection: { event: 'risk:created' } },
      ],
      next: null,
    });
  });

  test('are discarded, and what was done with them is never changed', async () => {
    const [one] = [await add('discards', 'risk-1'), await add('discards', 'risk-2')];
    expect(await store.discard(feedOf('discards'), { ids: [one] }, ADA)).toBe(1);
    expect(await kept('discards')).toEqual(['risk-2']);
    await expect(database.source.query('DELETE FROM delivery_audit')).rejects.toThrow('never changed');
  });
});
