import { execFile } from 'node:child_process';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { connectBroker, type Broker } from '@verifywise/broker';
import type { Envelope } from '@verifywise/contracts';
import pg from 'pg';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { startPrivateBroker, type PrivateBroker } from '../../../test/support/private-broker.ts';
import { makeEvent } from './events/event.ts';
import { createOutboxTable } from './outbox/outbox-table.ts';
import { outboxIn } from './outbox/outbox.ts';
import { startRelay } from './outbox/relay.ts';
import { createPluginHost, type PluginHost, type PluginHostOptions } from './plugin-host.ts';

const PARTITIONS = 2;
const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const triggeredBy = { userId: 1 };

function quiet(): void {
  // Some of these tests take the broker away, which hosts warn of.
}

let rabbit: PrivateBroker;
let database: TestDatabase;
let pool: pg.Pool;
let listener: Broker;
let heard: Envelope[] = [];
const hosts: PluginHost[] = [];

beforeAll(async () => {
  [rabbit, database] = await Promise.all([startPrivateBroker(), createDatabase()]);
  pool = new pg.Pool({ connectionString: database.url, max: 20 });
  pool.on('error', quiet);
  listener = await connectBroker({ url: rabbit.url, source: 'test', partitions: PARTITIONS, log: silent });
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    await listener.consumePartition(partition, {
      event(delivery) {
        heard.push(delivery.envelope);
        delivery.ack();
      },
      work: (delivery) => void delivery.ack(),
      answers: [],
      lost: quiet,
    });
  }
}, 60_000);

afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()));
  await pool.query('DELETE FROM plugin_event_outbox');
  heard = [];
});

afterAll(async () => {
  await listener.close();
  await pool.end();
  await database.drop();
  await rabbit.stop();
}, 60_000);

async function startHost(options: Partial<PluginHostOptions> = {}): Promise<PluginHost> {
  const host = await createPluginHost({
    ...{ brokerUrl: rabbit.url, pool, partitions: PARTITIONS, source: 'test-host', log: silent },
    ...options,
  });
  hosts.push(host);
  return host;
}

async function inTransaction(
  work: (client: pg.PoolClient) => Promise<void>,
  end: 'COMMIT' | 'ROLLBACK',
): Promise<void> {
  const client = await pool.connect();
  await client.query('BEGIN');
  await work(client);
  await client.query(end);
  client.release();
}

function heardBy(tenant: string): unknown[] {
  return heard.filter((envelope) => envelope.tenant === tenant).map(({ payload }) => (payload as { n: unknown }).n);
}

test('a committed event arrives whole, one that was rolled back never', async () => {
  const host = await startHost();
  const project = { id: 1, title: 'Chatbot' };
  const payload = { tenant: 'acme', triggeredBy, projectId: 1, project };
  await inTransaction(async (transaction) => {
    await host.emit('project:created', { ...payload, projectId: 2 }, { transaction });
  }, 'ROLLBACK');
  let eventId = '';
  await inTransaction(async (transaction) => {
    ({ eventId } = await host.emit('project:created', payload, { transaction, correlationId: 'request-1' }));
    expect(heard).toEqual([]);
  }, 'COMMIT');

  await eventually(() => expect(heard).toHaveLength(1));
  expect(heard[0]).toMatchObject({
    id: eventId,
    type: 'project.created',
    tenant: 'acme',
    source: 'test-host',
    correlationId: 'request-1',
    payload: { ...payload, eventId, source: 'test-host' },
  });
  // Heard before the outbox knows that it was.
  await eventually(async () => expect(await host.backlog()).toBe(0));
});

test('any function that runs a statement is a transaction, as other libraries have them', async () => {
  const host = await startHost({ databaseUrl: database.url });
  await inTransaction(async (client) => {
    const transaction = (sql: string, params: unknown[]): Promise<unknown> => client.query(sql, params);
    await host.emit('host:said', { tenant: 'acme', n: 1 }, { transaction });
  }, 'COMMIT');
  await eventually(() => expect(heardBy('acme')).toEqual([1]));
});

test('each tenant hears its events in the order in which they were emitted', async () => {
  const host = await startHost();
  const tenants = ['acme', 'globex', 'initech', 'umbrella'];
  const wanted = Array.from({ length: 300 }, (_, n) => n);
  await Promise.all(
    tenants.map(async (tenant) => {
      for (const n of wanted) await host.emit('host:said', { tenant, n });
    }),
  );
  await eventually(() => expect(heard).toHaveLength(tenants.length * wanted.length));
  for (const tenant of tenants) expect(heardBy(tenant)).toEqual(wanted);
});

test('of two host processes one relays, and the other takes over when it goes', async () => {
  const first = await startHost();
  await first.emit('host:said', { tenant: 'acme', n: 1 });
  await eventually(() => expect(heardBy('acme')).toEqual([1]));
  const second = await startHost();
  await second.emit('host:said', { tenant: 'acme', n: 2 });
  await eventually(() => expect(heardBy('acme')).toEqual([1, 2]));
  await first.close();
  hosts.shift();
  await second.emit('host:said', { tenant: 'acme', n: 3 });
  await eventually(() => expect(heardBy('acme')).toEqual([1, 2, 3]));
});

test('no advisory lock decides who relays: any login of the database could hold it against the host', async () => {
  await createOutboxTable(pool, 'public');
  const outbox = outboxIn('public');
  const seen: unknown[][] = [];
  const relay = startRelay({
    ...{ pool, outbox, log: silent },
    publish: async () => {
      const { rows } = await pool.query(`SELECT * FROM pg_locks WHERE locktype = 'advisory'`);
      seen.push(rows);
    },
  });
  const event = makeEvent('host:said', { tenant: 'acme', n: 1 }, { source: 'test', checked: true });
  await outbox.add(pool, event);
  await eventually(() => expect(seen).toEqual([[]]));
  await relay.close();
});

test('hosts that start at the same moment make the tables together', async () => {
  const schemas = Array.from({ length: 5 }, (_, at) => `together_${at}`);
  for (const schema of schemas) await Promise.all(Array.from({ length: 6 }, () => createOutboxTable(pool, schema)));
  const { rows } = await pool.query(
    `SELECT table_schema, count(*)::int AS tables FROM information_schema.tables WHERE table_schema LIKE 'together%' GROUP BY 1 ORDER BY 1`,
  );
  expect(rows).toEqual(schemas.map((table_schema) => ({ table_schema, tables: 3 })));
});

test('emitNow resolves when the broker has the event', async () => {
  const host = await startHost();
  await eventually(() => expect(host.healthy).toBe(true));
  await host.emitNow('host:said', { tenant: 'acme', n: 1 });
  await eventually(() => expect(heardBy('acme')).toEqual([1]));
});

test('a relay whose database connection is cut comes back', async () => {
  const host = await startHost();
  await host.emit('host:said', { tenant: 'acme', n: 1 });
  await eventually(() => expect(heardBy('acme')).toEqual([1]));
  // Cut between confirm and mark, the event would rightly be told twice.
  await eventually(async () => expect(await host.backlog()).toBe(0));
  await pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE pid <> pg_backend_pid() AND datname = current_database()`,
  );
  await host.emit('host:said', { tenant: 'acme', n: 2 });
  await eventually(() => expect(heardBy('acme')).toEqual([1, 2]));
});

test.each(['before-publish', 'after-confirm'])(
  'a host killed with -9 at %s loses nothing, and the event keeps its id',
  async (moment) => {
    const tenant = moment;
    const eventId = await runDyingHost(moment, tenant);
    const host = await startHost();
    const expected = moment === 'after-confirm' ? 2 : 1;
    await eventually(() => expect(heard.filter((envelope) => envelope.tenant === tenant)).toHaveLength(expected));
    expect(new Set(heard.map(({ id }) => id))).toEqual(new Set([eventId]));
    await eventually(async () => expect(await host.backlog()).toBe(0));
  },
);

test('while the broker is away events wait, in order, and a host even starts', async () => {
  const host = await startHost();
  await host.emit('host:said', { tenant: 'acme', n: 0 });
  await eventually(() => expect(heardBy('acme')).toEqual([0]));
  await rabbit.kill();
  await host.emit('host:said', { tenant: 'acme', n: 1 });
  const newcomer = await startHost();
  await newcomer.emit('host:said', { tenant: 'acme', n: 2 });
  await eventually(() => expect(newcomer.healthy).toBe(false));
  await expect(newcomer.emitNow('host:said', { tenant: 'acme', n: 9 })).rejects.toMatchObject({
    code: 'BROKER_UNAVAILABLE',
  });
  await rabbit.restart();
  await eventually(() => expect([...new Set(heardBy('acme'))]).toEqual([0, 1, 2]), { within: 40_000 });
}, 90_000);

function runDyingHost(moment: string, tenant: string): Promise<string> {
  const script = new URL('./outbox/fixtures/die-while-relaying.ts', import.meta.url).pathname;
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [script, moment, rabbit.url, database.url, tenant],
      { timeout: 30_000 },
      (error, stdout) => {
        if (error?.signal === 'SIGKILL' && stdout !== '') resolve(stdout.trim());
        else reject(error ?? new Error('the host was to be killed, but ended by itself'));
      },
    );
  });
}
