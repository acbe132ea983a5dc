import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { makeEvent, type HostEvent } from '../events/event.ts';
import { publishEvent } from '../events/publish-event.ts';
import { createOutboxTable } from './outbox-table.ts';
import { outboxIn, outboxSql } from './outbox.ts';
import type { PublishEvent } from './publish-in-order.ts';
import { startRelay, type Relay } from './relay.ts';

const outbox = outboxIn('public');
const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet };

function quiet(): void {
  // Some of these tests have publishing fail.
}

let database: TestDatabase;
let pool: pg.Pool;
const relays: Relay[] = [];

beforeAll(async () => {
  database = await createDatabase();
  pool = new pg.Pool({ connectionString: database.url });
  await createOutboxTable(pool, 'public');
});
afterEach(async () => {
  await Promise.all(relays.splice(0).map((relay) => relay.close()));
  await pool.query(`DELETE FROM ${outbox.table}`);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

function relay(publish: PublishEvent): void {
  relays.push(startRelay({ pool, outbox, publish, log: silent }));
}

function said(tenant: string, n: number): HostEvent {
  return makeEvent('host:said', { tenant, n }, { source: 'test', checked: true });
}

const wordsOf = (event: HostEvent): string => `${event.tenant} ${(JSON.parse(event.payload) as { n: number }).n}`;

async function waiting(): Promise<number> {
  const { rows } = await pool.query<{ waiting: string }>(`SELECT count(*) AS waiting FROM ${outbox.table}`);
  return Number(rows[0]?.waiting);
}

test('several processes share the tenants; while one has a tenant no other relays its events', async () => {
  const [held, begun] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const [byFirst, bySecond]: string[][] = [[], []];
  await outbox.add(pool, said('acme', 1));
  relay(async (event) => {
    byFirst?.push(wordsOf(event));
    begun.resolve(undefined);
    await held.promise;
  });
  await begun.promise;
  // globex is of another group of tenants.
  for (const tenant of ['acme', 'globex']) await outbox.add(pool, said(tenant, 2));
  relay((event) => {
    bySecond?.push(wordsOf(event));
    return Promise.resolve();
  });
  await eventually(async () => expect([bySecond, await waiting()]).toEqual([['globex 2'], 2]));
  expect(byFirst).toEqual(['acme 1']);
  held.resolve(undefined);
  await eventually(async () => expect(await waiting()).toBe(0));
  expect([...(byFirst ?? []), ...(bySecond ?? [])].sort()).toEqual(['acme 1', 'acme 2', 'globex 2']);
});

test('with several processes at once every event goes out once, and each tenant in its order', async () => {
  const tenants = Array.from({ length: 12 }, (_, n) => `tenant-${n}`);
  const published: string[] = [];
  const publish: PublishEvent = async (event) => {
    published.push(wordsOf(event));
    await new Promise(setImmediate);
  };
  for (let at = 0; at < 3; at += 1) relay(publish);
  await Promise.all(
    tenants.map(async (tenant) => {
      for (let n = 0; n < 30; n += 1) await outbox.add(pool, said(tenant, n));
    }),
  );
  await eventually(async () => expect(await waiting()).toBe(0));
  for (const tenant of tenants) {
    const wanted = Array.from({ length: 30 }, (_, n) => `${tenant} ${n}`);
    expect(published.filter((words) => words.startsWith(`${tenant} `))).toEqual(wanted);
  }
});

test('an event that can never be published is set aside with the reason, and holds up none behind it', async () => {
  await pool.query(
    `INSERT INTO ${outbox.table} (event_id, tenant, event, payload, emitted_at)
     VALUES (gen_random_uuid(), 'acme', 'host:said', '{"n":', now())`,
  );
  await pool.query(`INSERT INTO ${outbox.table} (event_id, tenant, event, payload, emitted_at, relay_group)
     VALUES (gen_random_uuid(), 'globex', 'host:said', '{"n":2}', now(), 0)`);
  const published: string[] = [];
  relay(async (event) => {
    const publisher = { publish: () => Promise.resolve(published.push(event.tenant)) };
    await publishEvent(publisher as never, event);
  });
  await eventually(async () => expect(await waiting()).toBe(0));
  expect(published).toEqual(['globex']);
  const { rows } = await pool.query(`SELECT tenant, reason FROM ${outbox.unpublishable}`);
  expect(rows).toEqual([{ tenant: 'acme', reason: expect.stringMatching(/^EVENT_INVALID: .*host:said.*no JSON/) }]);
});

test('the tables may be made again and again, also beside those of an earlier version', async () => {
  await pool.query(outboxSql('public'));
  await pool.query('CREATE SCHEMA earlier');
  const [made] = outboxSql('earlier').split(';');
  await pool.query(made ?? '');
  await createOutboxTable(pool, 'earlier');
  await outboxIn('earlier').add(pool, said('acme', 1));
  expect((await pool.query('SELECT tenant FROM earlier.plugin_event_outbox')).rows).toEqual([{ tenant: 'acme' }]);
});
