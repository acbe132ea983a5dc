import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hearing } from '@verifywise/broker';
import { fact } from '@verifywise/contracts';
import type { Database, Outbox } from '@verifywise/service-kit';
import { createLogger, createOutbox, openDatabase, outboxMigrations } from '@verifywise/service-kit';
import { inPostgres } from '../../../../../infra/local/src/backing/handshakes.ts';
import { createDatabase } from '../../../../../test/support/database.ts';
import type { TestDatabase } from '../../../../../test/support/database.ts';
import { eventually } from '../../../../../test/support/eventually.ts';
import { RunnerRoom } from '../../testing/runner-room.ts';
import { SQL_PLUGIN } from '../../testing/sql-plugin.ts';
import { PluginDatabases1732300000002 } from '../migrations/0002-plugin-databases.ts';
import { Turns1732300000006 } from '../migrations/0006-turns.ts';
import { TransactionEventStore } from './transaction-events.ts';

const log = createLogger('test', 'silent');

describe('events of a transaction that a crash left', () => {
  let own: TestDatabase;
  let service: Database;
  let outbox: Outbox;
  let store: TransactionEventStore;
  let added = 0;
  beforeAll(async () => {
    own = await createDatabase();
    const migrations = [...outboxMigrations, PluginDatabases1732300000002, Turns1732300000006];
    service = await openDatabase({ url: own.url, schema: 'plugin_runner', entities: [], migrations, log });
    outbox = createOutbox(service);
    store = new TransactionEventStore({ db: service.source, outbox, added: () => (added += 1), log });
  });
  afterAll(async () => {
    await service.close();
    await own.drop();
  });

  const said = (step: string) => {
    const id = randomUUID();
    return [{ fact: 'plugin.sql.done', message: { id, time: new Date(), tenant: 'acme', payload: { step } } }];
  };
  /** A transaction of a plugin up to where its runner died; what it said is written down. */
  const dies = (step: string, end: 'COMMIT' | 'ROLLBACK' | undefined) =>
    inPostgres(own.url, async (pg) => {
      const client = {
        state: undefined,
        query: async (text: string) => {
          const { rows } = await pg.query<Record<string, unknown>>(text);
          return { rows, rowCount: rows.length, command: '', cut: false };
        },
      };
      await pg.query('BEGIN');
      await store.write(client, { tenant: 'acme', pluginId: 'sql' }, said(step));
      if (end) await pg.query(end);
      else await store.sweep(0);
    });
  const steps = async () =>
    (await service.source.query<{ step: string }[]>(`SELECT payload->>'step' AS step FROM outbox ORDER BY id`)).map(
      ({ step }) => step,
    );
  const waiting = () => service.source.query<unknown[]>('SELECT 1 FROM transaction_events');

  test('are published when it was committed, dropped when not, and kept while nobody knows', async () => {
    await dies('committed', 'COMMIT');
    await dies('rolled back', 'ROLLBACK');
    expect(await waiting()).toHaveLength(2);
    await store.sweep(0);
    expect(await steps()).toEqual(['committed']);
    expect(await waiting()).toEqual([]);
    // Swept while it is open, it stays; when its connection is gone, it was rolled back.
    await dies('open', undefined);
    await eventually(async () => {
      await store.sweep(0);
      expect(await waiting()).toEqual([]);
    });
    expect(await steps()).toEqual(['committed']);
    expect(added).toBe(1);
  });

  test('are published once, however many sweep', async () => {
    await dies('contested', 'COMMIT');
    await Promise.all([1, 2, 3, 4].map(() => store.sweep(0)));
    expect((await steps()).filter((step) => step === 'contested')).toHaveLength(1);
  });
});

test('a runner that is killed while it commits loses no event of a committed transaction, and tells of no other', async () => {
  const room = await RunnerRoom.open();
  try {
    const heard = new Set<number>();
    await room.broker.subscribe('scheduler', [
      hearing(fact<{ n: number }>('plugin.sql.done'), ({ n }) => {
        heard.add(n);
        return Promise.resolve();
      }),
    ]);
    let runner = await room.startRunner();
    await room.enabled({
      tenant: 'acme',
      id: 'sql',
      code: SQL_PLUGIN,
      granted: ['database:read', 'database:write', 'events:emit'],
    });
    const post = async (path: string, body: object) => {
      const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      return (await runner.fetch('acme', `/api/plugins/sql${path}`, request)).json() as Promise<{
        rows?: { n: number }[];
      }>;
    };
    await post('/query', { sql: 'CREATE TABLE plugin_sql_t (n int)' });
    let n = 0;
    for (let round = 0; round < 3; round += 1) {
      let alive = true;
      const before = n;
      const load = [1, 2, 3].map(async () => {
        while (alive) {
          const mine = (n += 1);
          // Every third is rolled back; a killed runner answers none.
          const work = {
            statements: [`INSERT INTO plugin_sql_t VALUES (${mine})`],
            events: [{ n: mine }],
            fails: mine % 3 === 0,
          };
          await post('/transaction', work).catch(() => (alive = false));
        }
      });
      await eventually(() => expect(n).toBeGreaterThan(before + 60));
      const killed = runner;
      await killed.stop('SIGKILL');
      alive = false;
      await Promise.all(load);
      runner = await room.startRunner();
      await eventually(async () => expect((await post('/query', { sql: 'SELECT 1 AS n' })).rows).toEqual([{ n: 1 }]));
    }
    const committed = new Set((await post('/query', { sql: 'SELECT n FROM plugin_sql_t' })).rows?.map((row) => row.n));
    expect(committed.size).toBeGreaterThan(100);
    await eventually(() => expect([...committed].filter((each) => !heard.has(each))).toEqual([]));
    await eventually(async () => {
      const left = await inPostgres(room.databaseUrl, (client) =>
        client.query('SELECT 1 FROM plugin_runner.transaction_events'),
      );
      expect(left.rowCount).toBe(0);
    });
    expect([...heard].filter((each) => !committed.has(each))).toEqual([]);
  } finally {
    await room.close();
  }
});
