import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { Sequelize } from 'sequelize';
import { DataSource } from 'typeorm';
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts';
import { createPluginHost, type PluginHost } from '../plugin-host.ts';
import type { Transaction } from './outbox.ts';

/** Nobody listens there: what is emitted stays in the outbox, where it can be looked at. */
const NO_BROKER = 'amqp://127.0.0.1:1';
const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet };

function quiet(): void {
  // That there is no broker is warned of.
}

let database: TestDatabase;
let pool: pg.Pool;
let typeorm: DataSource;
let sequelize: Sequelize;
let host: PluginHost;

beforeAll(async () => {
  database = await createDatabase();
  pool = new pg.Pool({ connectionString: database.url });
  typeorm = await new DataSource({ type: 'postgres', url: database.url }).initialize();
  sequelize = new Sequelize(database.url, { logging: false, dialect: 'postgres' });
  host = await createPluginHost({ brokerUrl: NO_BROKER, databaseUrl: database.url, log: silent });
  await pool.query('CREATE TABLE risks (title text)');
}, 60_000);
afterEach(async () => {
  await pool.query('TRUNCATE risks, plugin_event_outbox');
});
afterAll(async () => {
  await host.close();
  await Promise.all([pool.end(), typeorm.destroy(), sequelize.close()]);
  await database.drop();
});

/** A transaction of each library: writes a risk, tells of it, and then commits or not. */
const libraries: Record<string, (commit: boolean, tell: (transaction: Transaction) => Promise<void>) => Promise<void>> =
  {
    async pg(commit, tell) {
      const client = await pool.connect();
      await client.query('BEGIN');
      await client.query(`INSERT INTO risks VALUES ('Bias')`);
      await tell(client);
      await client.query(commit ? 'COMMIT' : 'ROLLBACK');
      client.release();
    },
    async 'a query runner of TypeORM'(commit, tell) {
      const runner = typeorm.createQueryRunner();
      await runner.startTransaction();
      await runner.query(`INSERT INTO risks VALUES ('Bias')`);
      await tell(runner);
      await (commit ? runner.commitTransaction() : runner.rollbackTransaction());
      await runner.release();
    },
    async 'an entity manager of TypeORM'(commit, tell) {
      await undone(
        typeorm.transaction(async (manager) => {
          await manager.query(`INSERT INTO risks VALUES ('Bias')`);
          await tell(manager);
          if (!commit) throw new Error('undone');
        }),
      );
    },
    async Sequelize(commit, tell) {
      await undone(
        sequelize.transaction(async (transaction) => {
          await sequelize.query(`INSERT INTO risks VALUES ('Bias')`, { transaction });
          await tell((sql, params) => sequelize.query(sql, { bind: params, transaction }));
          if (!commit) throw new Error('undone');
        }),
      );
    },
  };

async function undone(work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    if ((error as Error).message !== 'undone') throw error;
  });
}

test.each(Object.keys(libraries))(
  'in a transaction of %s the event commits with the row, or not at all',
  async (library) => {
    const tell = async (transaction: Transaction): Promise<void> => {
      const text = `it's $1 "quoted" — ${library}`;
      const { eventId } = await host.emit('host:said', { tenant: 'acme', text }, { transaction });
      expect(eventId).toMatch(/^[0-9a-f-]{36}$/);
    };
    await libraries[library]?.(false, tell);
    const count = async (table: string) => (await pool.query(`SELECT * FROM ${table}`)).rows.length;
    expect([await count('risks'), await host.backlog()]).toEqual([0, 0]);
    await libraries[library]?.(true, tell);
    expect([await count('risks'), await host.backlog()]).toEqual([1, 1]);
    const { rows } = await pool.query<{ payload: string }>('SELECT payload FROM plugin_event_outbox');
    expect(JSON.parse(rows[0]?.payload ?? '')).toMatchObject({ text: `it's $1 "quoted" — ${library}`, tenant: 'acme' });
  },
);

test('a host without transaction emits through its own connections, when it gives a function for that', async () => {
  const asked: string[] = [];
  const own = await createPluginHost({
    ...{ brokerUrl: NO_BROKER, databaseUrl: database.url, log: silent },
    query: (sql, params) => {
      asked.push(sql);
      return typeorm.query(sql, params);
    },
  });
  await own.emit('host:said', { tenant: 'acme', n: 1 });
  expect([asked.length, await own.backlog()]).toEqual([1, 1]);
  await own.close();
});
