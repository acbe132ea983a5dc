import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hearing } from '@verifywise/broker';
import { DeletePluginData, fact } from '@verifywise/contracts';
import { inPostgres } from '../../../../../infra/local/src/backing/handshakes.ts';
import { eventually } from '../../../../../test/support/eventually.ts';
import type { RunnerProcess } from '../../testing/runner-process.ts';
import { RunnerRoom } from '../../testing/runner-room.ts';
import type { SqlAnswer } from '../../testing/sql-plugin.ts';
import { SQL_PLUGIN } from '../../testing/sql-plugin.ts';

const BOTH = ['database:read', 'database:write', 'events:emit'];
const CORE_MODELS = JSON.stringify({
  User: { relation: 'plugin_views.users' },
  Risk: { relation: 'plugin_views.risks' },
});
const UNINSTALLED = { state: 'uninstalling', desired: 'absent' } as const;

describe('context.db of a plugin', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  const done: { tenant: string | null; step: unknown }[] = [];

  beforeAll(async () => {
    room = await RunnerRoom.open();
    runner = await room.startRunner({ CORE_MODELS, PLUGIN_STATEMENT_TIMEOUT_MS: '1500', PLUGIN_ROW_LIMIT: '500' });
    await room.broker.subscribe('scheduler', [
      hearing(fact<{ step: unknown }>('plugin.sql.done'), ({ step }, { tenant }) => {
        done.push({ tenant, step });
        return Promise.resolve();
      }),
    ]);
  });
  afterAll(() => room.close());

  const plugin = (tenant: string, granted = BOTH, more: { id?: string; version?: string } = {}) =>
    room.enabled({ tenant, id: 'sql', code: SQL_PLUGIN, granted, ...more });
  const post = async <Answer>(tenant: string, path: string, body: object): Promise<Answer> => {
    const headers = { 'content-type': 'application/json' };
    const answer = await runner.fetch(tenant, `/api/plugins/sql${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    return (await answer.json()) as Answer;
  };
  const query = (tenant: string, sql: string, params: unknown[] = []) =>
    post<SqlAnswer>(tenant, '/query', { sql, params });
  const transaction = (tenant: string, body: object) =>
    post<{ answers: SqlAnswer[]; error?: SqlAnswer['error'] }>(tenant, '/transaction', body);
  const stepsOf = (tenant: string) => done.filter((one) => one.tenant === tenant).map(({ step }) => step);
  const asService = <T>(sql: string): Promise<T[]> =>
    inPostgres(room.databaseUrl, async (client) => (await client.query(sql)).rows as T[]);

  test('tables as the spec makes them, each tenant its own, on two versions', async () => {
    await plugin('acme');
    await plugin('globex', BOTH, { version: '2.0.0' });
    const create = `CREATE TABLE IF NOT EXISTS plugin_sql_mappings (
      id SERIAL PRIMARY KEY, risk_id INTEGER NOT NULL, synced_at TIMESTAMP DEFAULT NOW(), tenant VARCHAR(100) NOT NULL)`;
    for (const tenant of ['acme', 'globex']) {
      expect(await query(tenant, create)).toEqual({ rows: [], rowCount: 0 });
      expect(
        await query(tenant, 'ALTER TABLE plugin_sql_mappings ADD COLUMN IF NOT EXISTS status VARCHAR(20)'),
      ).toMatchObject({ rowCount: 0 });
      const inserted = await query(
        tenant,
        'INSERT INTO plugin_sql_mappings (risk_id, tenant) VALUES ($1, $2) RETURNING id, tenant',
        [7, tenant],
      );
      expect(inserted).toEqual({ rows: [{ id: 1, tenant }], rowCount: 1 });
    }
    const all = await query('acme', 'SELECT tenant, risk_id FROM plugin_sql_mappings');
    expect(all.rows).toEqual([{ tenant: 'acme', risk_id: 7 }]);
    expect(await query('globex', 'UPDATE plugin_sql_mappings SET risk_id = 8')).toMatchObject({ rowCount: 1 });
  });

  test('what is granted counts: nothing, reading, writing, and both', async () => {
    await plugin('none', []);
    expect((await query('none', 'SELECT 1')).error).toMatchObject({
      name: 'PermissionDeniedError',
      code: 'PERMISSION_DENIED',
      details: { permission: 'database:read' },
    });
    expect((await transaction('none', { statements: [] })).error).toMatchObject({ code: 'PERMISSION_DENIED' });
    const writer = await plugin('reads');
    await query('reads', 'CREATE TABLE plugin_sql_t (n int)');
    await query('reads', 'INSERT INTO plugin_sql_t VALUES (1)');
    await room.settle({ ...writer, granted: ['database:read'], generation: room.nextGeneration() });
    await eventually(async () =>
      expect((await query('reads', 'INSERT INTO plugin_sql_t VALUES (2)')).error).toMatchObject({
        code: 'PERMISSION_DENIED',
        message: expect.stringContaining('database:write'),
        details: { permission: 'database:write' },
      }),
    );
    expect((await query('reads', 'SELECT n FROM plugin_sql_t')).rows).toEqual([{ n: 1 }]);
    expect((await query('reads', 'CREATE TABLE plugin_sql_u (n int)')).error?.code).toBe('PERMISSION_DENIED');
    await plugin('writes', ['database:write']);
    expect((await query('writes', 'CREATE TABLE plugin_sql_t (n int)')).error).toBeUndefined();
    expect((await query('writes', 'SELECT * FROM users')).error?.code).toMatch(/PERMISSION_DENIED|QUERY_FAILED/);
  });

  test.each([
    ['CREATE TABLE other (n int)', 'other'],
    ['CREATE TABLE plugin_sqlx (n int)', 'plugin_sqlx'],
    ['CREATE TABLE plugin_other_t AS SELECT 1 AS n', 'plugin_other_t'],
    ['SELECT 1 AS n INTO stray', 'stray'],
    ['CREATE VIEW stray AS SELECT 1 AS n', 'stray'],
    ['CREATE MATERIALIZED VIEW stray AS SELECT 1 AS n', 'stray'],
    ['ALTER TABLE plugin_sql_named RENAME TO named', 'named'],
    [`DO $$ BEGIN EXECUTE 'CREATE TABLE sneaky (n int)'; END $$`, 'sneaky'],
  ])('%s is refused for its name, and nothing of it is left', async (sql, name) => {
    await plugin('names');
    await query('names', 'CREATE TABLE IF NOT EXISTS plugin_sql_named (n int)');
    expect((await query('names', sql)).error).toMatchObject({
      code: 'TABLE_NAME_INVALID',
      message: expect.stringContaining(`${name} is not a table of sql: its tables are named plugin_sql_<name>`),
    });
    const tables = await query(
      'names',
      `SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v', 'm')`,
    );
    expect(tables.rows).toEqual([{ relname: 'plugin_sql_named' }]);
    const inTransaction = await transaction('names', { statements: [sql] });
    expect(inTransaction.error?.code).toBe('TABLE_NAME_INVALID');
  });

  test('temporary tables, indexes made beside other work, and VACUUM are possible', async () => {
    await plugin('allows');
    for (const sql of [
      'CREATE TABLE plugin_sql_t (n int)',
      'CREATE INDEX CONCURRENTLY ON plugin_sql_t (n)',
      'VACUUM plugin_sql_t',
      'CREATE TEMP TABLE scratch (n int)',
      'CREATE SEQUENCE plugin_sql_numbers',
      'CREATE VIEW plugin_sql_v AS SELECT n FROM plugin_sql_t',
    ]) {
      expect(await query('allows', sql)).toMatchObject({ rows: [] });
    }
  });

  test('what PostgreSQL refuses says why, with its code', async () => {
    await plugin('fails');
    expect((await query('fails', 'SELEC 1')).error).toMatchObject({
      code: 'QUERY_FAILED',
      message: 'syntax error at or near "SELEC"',
      details: { sqlState: '42601' },
    });
    expect((await query('fails', 'SELECT 1; SELECT 2')).error).toMatchObject({
      code: 'QUERY_FAILED',
      message: expect.stringContaining('multiple commands'),
    });
    expect((await query('fails', 'COMMIT')).error).toMatchObject({
      code: 'QUERY_FAILED',
      message: expect.stringContaining('db.transaction'),
    });
    expect((await query('fails', 'SAVEPOINT x')).error).toMatchObject({
      message: expect.stringContaining('db.transaction'),
    });
    expect((await query('fails', 'SELECT pg_sleep(5)')).error).toMatchObject({ code: 'QUERY_TIMED_OUT' });
    expect((await query('fails', 'SELECT generate_series(1, 501)')).error).toMatchObject({ code: 'RESULT_TOO_LARGE' });
    expect((await query('fails', `SELECT repeat('x', 40 * 1024 * 1024)`)).error).toMatchObject({
      code: 'RESULT_TOO_LARGE',
    });
    await query('fails', 'CREATE TABLE plugin_sql_t (n int)');
    const cut = await query('fails', 'INSERT INTO plugin_sql_t SELECT generate_series(1, 501) RETURNING n');
    expect(cut.error).toMatchObject({ code: 'RESULT_TOO_LARGE' });
    expect((await query('fails', 'SELECT count(*)::int AS n FROM plugin_sql_t')).rows).toEqual([{ n: 0 }]);
  });

  test('a transaction is committed with its events, or leaves neither', async () => {
    await plugin('pays');
    await query('pays', 'CREATE TABLE plugin_sql_t (n int)');
    const insert = (n: number) => `INSERT INTO plugin_sql_t VALUES (${n})`;
    expect(
      (await transaction('pays', { statements: [insert(1), insert(2)], events: [{ step: 1 }, { step: 2 }] })).error,
    ).toBeUndefined();
    expect(
      (await transaction('pays', { statements: [insert(3)], events: [{ step: 3 }], fails: true })).error?.message,
    ).toBe('changed my mind');
    expect(
      (await transaction('pays', { statements: [insert(4), 'SELECT 1/0'], events: [{ step: 4 }] })).error,
    ).toMatchObject({ details: { sqlState: '22012' } });
    expect((await transaction('pays', { statements: [insert(5), 'COMMIT'] })).error).toMatchObject({
      code: 'QUERY_FAILED',
    });
    expect(
      (
        await transaction('pays', {
          statements: ['SAVEPOINT a', insert(6), 'ROLLBACK TO a', insert(7)],
          events: [{ step: 7 }],
        })
      ).error,
    ).toBeUndefined();
    expect((await query('pays', 'SELECT n FROM plugin_sql_t ORDER BY n')).rows).toEqual([{ n: 1 }, { n: 2 }, { n: 7 }]);
    await eventually(() => expect(stepsOf('pays')).toEqual([1, 2, 7]));
    expect(await asService('SELECT 1 FROM plugin_runner.transaction_events')).toEqual([]);
  });

  test('events need their permission, and a bad one undoes the transaction', async () => {
    await plugin('mute', ['database:read', 'database:write']);
    await query('mute', 'CREATE TABLE plugin_sql_t (n int)');
    expect(
      (await transaction('mute', { statements: ['INSERT INTO plugin_sql_t VALUES (1)'], events: [{ step: 1 }] })).error,
    ).toMatchObject({ code: 'PERMISSION_DENIED' });
    expect((await query('mute', 'SELECT * FROM plugin_sql_t')).rows).toEqual([]);
  });

  test('an isolate that ends takes its open transactions with it', async () => {
    const installation = await plugin('leaves');
    await query('leaves', 'CREATE TABLE plugin_sql_t (n int)');
    const held = transaction('leaves', { statements: ['INSERT INTO plugin_sql_t VALUES (1)'], hold: 20_000 }).catch(
      () => undefined,
    );
    const open = () =>
      asService(
        `SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction' AND usename LIKE 'p\\_sql%' AND datname = current_database()`,
      );
    await eventually(async () => expect(await open()).toHaveLength(1));
    const pid = (await runner.isolates()).find(({ tenant }) => tenant === 'leaves')?.pid;
    process.kill(pid as number, 'SIGKILL');
    await eventually(async () => expect(await open()).toEqual([]));
    await held;
    expect(installation.tenant).toBe('leaves');
  });

  test('core views show this tenant its rows, once the host has made them, and nobody writes them', async () => {
    await asService(`CREATE SCHEMA IF NOT EXISTS plugin_views`);
    await asService(`CREATE TABLE users (id int, tenant text, name text, password text)`);
    await asService(`INSERT INTO users VALUES (1, 'sees', 'Ada', 'secret'), (2, 'other', 'Bob', 'secret')`);
    await asService(`CREATE VIEW plugin_views.users AS SELECT id, tenant, name FROM users`);
    await plugin('sees');
    await eventually(async () =>
      expect((await query('sees', 'SELECT * FROM users')).rows).toEqual([{ id: 1, tenant: 'sees', name: 'Ada' }]),
    );
    for (const sql of [
      `UPDATE users SET name = 'x'`,
      'DELETE FROM core_views.users',
      `INSERT INTO users VALUES (3, 'sees', 'x')`,
      'SELECT * FROM users FOR UPDATE',
    ]) {
      expect((await query('sees', sql)).error?.code).toBe('PERMISSION_DENIED');
    }
    expect((await query('sees', 'SELECT * FROM plugin_views.users')).error?.code).toBe('PERMISSION_DENIED');
    await plugin('other', ['database:write']);
    expect((await query('other', 'SELECT * FROM core_views.users')).error).toMatchObject({
      code: 'PERMISSION_DENIED',
      details: { permission: 'database:read' },
    });
    await asService(
      'CREATE OR REPLACE VIEW plugin_views.users AS SELECT id, tenant, name, length(name) AS long FROM users',
    );
  });

  test('deleted with its data nothing of it is left, twice over and while it is connected; kept, a reinstall finds it', async () => {
    const installation = await plugin('returns');
    await query('returns', 'CREATE TABLE plugin_sql_t (n int)');
    await query('returns', 'INSERT INTO plugin_sql_t VALUES (1)');
    await room.stepDone(installation, 'onUninstall', UNINSTALLED);
    await room.forget(installation);
    const again = await plugin('returns');
    expect((await query('returns', 'SELECT n FROM plugin_sql_t')).rows).toEqual([{ n: 1 }]);
    const held = transaction('returns', { statements: ['LOCK TABLE plugin_sql_t'], hold: 2_000 }).catch(
      () => undefined,
    );
    await eventually(async () =>
      expect(
        await asService(`SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND locktype = 'relation'`),
      ).not.toEqual([]),
    );
    const roles = () =>
      asService<{ n: number }>(
        `SELECT count(*)::int AS n FROM plugin_runner.plugin_databases WHERE tenant = 'returns'`,
      );
    for (const time of [1, 2]) {
      const payload = {
        stepId: randomUUID(),
        operationId: randomUUID(),
        pluginId: 'sql',
        generation: again.generation + time,
      };
      const outcome = await room.broker.sendAndWait(
        DeletePluginData,
        { tenant: 'returns', payload },
        { deadlineMs: 10_000 },
      );
      expect(outcome).toMatchObject({ kind: 'done' });
      expect(await roles()).toEqual([{ n: 0 }]);
    }
    await held;
    expect((await query('returns', 'SELECT n FROM plugin_sql_t')).error).toMatchObject({
      details: { sqlState: '42P01' },
    });
  });
});
