import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Database } from '@verifywise/service-kit';
import { createLogger, openDatabase, secretBox } from '@verifywise/service-kit';
import { eventually } from '../../../../../test/support/eventually.ts';
import { createDatabase } from '../../../../../test/support/database.ts';
import type { TestDatabase } from '../../../../../test/support/database.ts';
import { PluginDatabases1732300000002 } from '../migrations/0002-plugin-databases.ts';
import { Turns1732300000006 } from '../migrations/0006-turns.ts';
import { backendControl } from './backend-control.ts';
import type { Access, PluginOwner } from './plugin-connections.ts';
import { PluginConnections } from './plugin-connections.ts';
import { PluginRoleStore } from './plugin-roles.ts';

const log = createLogger('test', 'silent');
const LIMITS = { statementMs: 500, rows: 1_000, bytes: 1024 * 1024 };

describe('connections of plugins', () => {
  let own: TestDatabase;
  let service: Database;
  const secrets = secretBox([{ kid: 'k1', key: randomBytes(32) }]);
  const opened: PluginConnections[] = [];
  const used = new Set<string>();

  beforeAll(async () => {
    own = await createDatabase();
    const migrations = [PluginDatabases1732300000002, Turns1732300000006];
    service = await openDatabase({ url: own.url, schema: 'plugin_runner', entities: [], migrations, log });
  });
  afterAll(async () => {
    await Promise.all(opened.map((one) => one.close()));
    const roles = new PluginRoleStore(service.source, secrets);
    for (const pluginId of used) for (const tenant of ['acme', 'globex']) await roles.drop(tenant, pluginId);
    await service.close();
    await own.drop();
  });

  const connections = (most = 40) => {
    const made = new PluginConnections({
      url: own.url,
      roles: new PluginRoleStore(service.source, secrets),
      coreSchema: 'core_views',
      most,
      limits: LIMITS,
      control: backendControl(service.source, log),
      log,
    });
    opened.push(made);
    return made;
  };
  const owner = (
    pluginId: string,
    granted: PluginOwner['granted'] = ['database:read', 'database:write'],
    tenant = 'acme',
  ) => {
    used.add(pluginId);
    return { tenant, pluginId, granted };
  };
  const run = async (at: PluginConnections, of: PluginOwner, sql: string, access: Access = 'write') => {
    const connection = await at.acquire(of, access);
    try {
      const answer = await connection.client.query(sql);
      connection.release();
      return answer.rows;
    } catch (error) {
      connection.release(error);
      throw error;
    }
  };
  const sessions = async () =>
    Number(
      (
        await service.source.query<{ n: string }[]>(
          `SELECT count(*) AS n FROM pg_stat_activity WHERE usename LIKE 'p\\_%' AND datname = current_database()`,
        )
      )[0]?.n,
    );

  test('a plugin is logged in as its own role, in its own schema', async () => {
    const at = connections();
    const [one] = await run(at, owner('notes'), 'SELECT session_user AS who, current_schema() AS schema');
    expect(one?.who).toMatch(/^p_notes_[0-9a-f]{12}$/);
    expect(one?.schema).toBe(one?.who);
    const [reader] = await run(at, owner('notes'), 'SELECT session_user AS who', 'read');
    expect(reader?.who).toBe(`${String(one?.who)}_ro`);
    const [other] = await run(at, owner('notes', ['database:write'], 'globex'), 'SELECT session_user AS who');
    expect(other?.who).not.toBe(one?.who);
  });

  test('two runners make the same roles at once', async () => {
    const pair = [connections(), connections()];
    const who = await Promise.all(pair.map((at) => run(at, owner('twins'), 'SELECT session_user AS who')));
    expect(who[0]).toEqual(who[1]);
  });

  test('what is not granted gets no connection', async () => {
    const denied = (permission: string) => ({ code: 'PERMISSION_DENIED', details: { permission } });
    const at = connections();
    await expect(at.acquire(owner('none', []), 'read')).rejects.toMatchObject(denied('database:read'));
    await expect(at.acquire(owner('none', ['database:read']), 'write')).rejects.toMatchObject(denied('database:write'));
  });

  test('nothing of a session reaches its next use', async () => {
    const at = connections();
    const of = owner('leaves');
    await run(at, of, `SELECT set_config('search_path', 'pg_catalog', false), pg_advisory_lock(77)`);
    await run(at, of, 'CREATE TEMP TABLE plugin_leaves_temp (a int)');
    await run(at, of, 'BEGIN');
    const [now] = await run(at, of, `SELECT current_schema() AS schema, to_regclass('plugin_leaves_temp') AS temp`);
    expect(now).toEqual({ schema: expect.stringMatching(/^p_leaves/), temp: null });
    const [lock] = await service.source.query<unknown[]>('SELECT pg_try_advisory_lock(77) AS free');
    expect(lock).toEqual({ free: true });
    expect(await sessions()).toBeGreaterThan(0);
  });

  test('no more than four sessions for a plugin; the fifth waits for one', async () => {
    const at = connections();
    const of = owner('many');
    const four = await Promise.all([1, 2, 3, 4].map(() => at.acquire(of, 'write')));
    const fifth = at.acquire(of, 'write');
    let got = false;
    void fifth.then(() => (got = true));
    expect(got).toBe(false);
    four[0]?.release();
    (await fifth).release();
    four.slice(1).forEach((one) => one.release());
  });

  test('over the cap the one that was idle longest makes room', async () => {
    const at = connections(2);
    await run(at, owner('first'), 'SELECT 1');
    await run(at, owner('second'), 'SELECT 1');
    await run(at, owner('third'), 'SELECT 1');
    const named = async (plugin: string) =>
      (
        await service.source.query<unknown[]>('SELECT 1 FROM pg_stat_activity WHERE usename LIKE $1', [
          `p\\_${plugin}\\_%`,
        ])
      ).length;
    await eventually(async () => expect(await named('first')).toBe(0));
    expect(await named('second')).toBe(1);
  });

  test('a session whose backend was terminated is thrown away', async () => {
    const at = connections();
    const of = owner('broken');
    const [mine] = await run(at, of, 'SELECT pg_backend_pid() AS pid');
    await service.source.query('SELECT pg_terminate_backend($1, 2000)', [mine?.pid]);
    await eventually(async () => expect(await run(at, of, 'SELECT 1 AS one')).toEqual([{ one: 1 }]));
  });

  test('a statement that switches its time limit off is ended all the same', async () => {
    const at = connections();
    const connection = await at.acquire(owner('slow'), 'write');
    await connection.client.query('SET statement_timeout = 0');
    const stubborn = `DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$`;
    await expect(connection.client.query(stubborn)).rejects.toMatchObject({ code: 'QUERY_TIMED_OUT' });
    connection.release();
    await eventually(async () => {
      const left = await service.source.query<unknown[]>(
        `SELECT 1 FROM pg_stat_activity WHERE usename LIKE 'p\\_slow%'`,
      );
      expect(left).toEqual([]);
    });
  });

  test('an answer that is too large ends, in rows and in bytes', async () => {
    const at = connections();
    const of = owner('large');
    const tooLarge = { code: 'RESULT_TOO_LARGE' };
    await expect(run(at, of, 'SELECT generate_series(1, 1001)')).rejects.toMatchObject(tooLarge);
    expect(await run(at, of, 'SELECT generate_series(1, 1000) AS n')).toHaveLength(1_000);
    await expect(run(at, of, `SELECT repeat('x', 8 * 1024 * 1024)`)).rejects.toMatchObject(tooLarge);
    expect(await run(at, of, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('what changes rows and answers too many of them changes none, also inside a transaction', async () => {
    const connection = await connections().acquire(owner('undoes'), 'write');
    const { client } = connection;
    const insert = (rows: number) => `INSERT INTO plugin_undoes_t SELECT generate_series(1, ${rows}) RETURNING n`;
    const count = async () => (await client.query('SELECT count(*)::int AS n FROM plugin_undoes_t')).rows;
    await client.query('CREATE TABLE plugin_undoes_t (n int UNIQUE)');
    await expect(client.query(insert(1001))).rejects.toMatchObject({ code: 'RESULT_TOO_LARGE' });
    expect(await count()).toEqual([{ n: 0 }]);
    expect((await client.query(insert(1000))).rowCount).toBe(1000);
    await expect(client.query(insert(1))).rejects.toMatchObject({ code: '23505' });
    await client.query('BEGIN');
    await expect(
      client.query('UPDATE plugin_undoes_t SET n = n FROM generate_series(1, 2) RETURNING n'),
    ).resolves.toMatchObject({ cut: false });
    await client.query('DELETE FROM plugin_undoes_t WHERE n = 1000');
    await expect(
      client.query('INSERT INTO plugin_undoes_t SELECT generate_series(2000, 4000) RETURNING n'),
    ).rejects.toMatchObject({ code: 'RESULT_TOO_LARGE' });
    expect(client.state).toBe('failed');
    await client.query('ROLLBACK');
    expect(await count()).toEqual([{ n: 1000 }]);
    connection.release();
  });

  test('a plugin that changes its own password or settings is let in again', async () => {
    const at = connections();
    const of = owner('locks-out');
    await run(at, of, `ALTER ROLE CURRENT_USER PASSWORD 'mine'`);
    await run(at, of, `ALTER ROLE CURRENT_USER SET search_path = 'public'`);
    await run(at, of, `ALTER ROLE CURRENT_USER SET local_preload_libraries = 'missing'`);
    at.closeOf('acme', 'locks-out');
    expect(await run(at, of, 'SELECT current_schema() AS schema')).toEqual([
      { schema: expect.stringMatching(/^p_locks_out/) },
    ]);
  });

  test('a role that outlived its database is taken over', async () => {
    const of = owner('outlives');
    await run(connections(), of, 'SELECT 1');
    await service.source.query(`DELETE FROM plugin_databases WHERE plugin_id = 'outlives'`);
    expect(await run(connections(), of, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('passwords whose key is gone are made anew', async () => {
    const of = owner('rekeyed');
    await run(connections(), of, 'SELECT 1');
    const other = secretBox([{ kid: 'k2', key: randomBytes(32) }]);
    const roles = await new PluginRoleStore(service.source, other).ensure('acme', 'rekeyed', {
      read: true,
      write: true,
    });
    expect(roles.writer.password).toHaveLength(43);
    expect(await run(connections(), of, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('what it granted itself while it could write is gone when it may only read', async () => {
    const at = connections();
    const of = owner('demoted');
    await run(at, of, 'CREATE TABLE plugin_demoted_t (a int)');
    await run(at, of, 'GRANT ALL ON plugin_demoted_t TO PUBLIC');
    await run(
      at,
      of,
      `CREATE FUNCTION sneak() RETURNS void SECURITY DEFINER LANGUAGE sql AS 'INSERT INTO plugin_demoted_t VALUES (1)'`,
    );
    await run(at, of, 'GRANT EXECUTE ON FUNCTION sneak() TO PUBLIC');
    const now = owner('demoted', ['database:read']);
    await expect(run(at, now, 'INSERT INTO plugin_demoted_t VALUES (2)', 'read')).rejects.toMatchObject({
      code: '42501',
    });
    await expect(run(at, now, 'SELECT sneak()', 'read')).rejects.toMatchObject({ code: '42501' });
    expect(await run(at, now, 'SELECT * FROM plugin_demoted_t', 'read')).toEqual([]);
  });

  test('sessions of a plugin that leaves are ended, also those in use', async () => {
    const at = connections();
    const connection = await at.acquire(owner('gone'), 'write');
    const asked = connection.client.query('SELECT pg_sleep(0.4)');
    at.closeOf('acme', 'gone');
    await expect(asked).rejects.toThrow();
    connection.release();
  });

  test('dates, bytes, large numbers, JSON and lists come back as they went', async () => {
    const connection = await connections().acquire(owner('types'), 'write');
    const at = new Date('2026-03-29T01:30:00.123Z');
    const { rows } = await connection.client.query(
      `SELECT $1::timestamptz AS at, $1::timestamp AS local, $1::date AS day, $2::bytea AS bytes, $3::int8 AS large,
              $4::jsonb AS json, $5::text[] AS list, $6::int[] AS numbers, NULL AS nothing, now()::timestamp AS stamp`,
      [at, Buffer.from([0, 255]), 9007199254740993n, { a: [1, null] }, ['a"b\\', null, '{}'], [1, 2]],
    );
    connection.release();
    expect(rows[0]).toMatchObject({
      at,
      local: at,
      day: new Date('2026-03-29T00:00:00Z'),
      bytes: Buffer.from([0, 255]),
      large: '9007199254740993',
      json: { a: [1, null] },
      list: ['a"b\\', null, '{}'],
      numbers: [1, 2],
      nothing: null,
    });
    expect(Math.abs((rows[0]?.stamp as Date).getTime() - Date.now())).toBeLessThan(60_000);
  });

  test('what a plugin had asked for before it left makes nothing anew of what was dropped', async () => {
    const at = connections();
    const leaver = owner('leaver');
    await run(at, leaver, 'SELECT 1');
    const asked = Promise.allSettled(Array.from({ length: 8 }, () => at.acquire(leaver, 'write')));
    // Four have a session, the others wait for one; a ninth has only just asked.
    await eventually(async () => {
      const [row] = await service.source.query<{ count: number }[]>(
        `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND usename IN (SELECT writer_role FROM plugin_databases WHERE plugin_id = 'leaver')`,
      );
      expect(row?.count).toBe(4);
    });
    const late = Promise.allSettled([at.acquire(leaver, 'write')]);
    at.closeOf('acme', 'leaver');
    await new PluginRoleStore(service.source, secrets).drop('acme', 'leaver');
    const outcomes = [...(await asked), ...(await late)].map(
      (one) => (one.status === 'rejected' ? one.reason : null) as unknown,
    );
    expect(outcomes.slice(4)).toMatchObject(Array.from({ length: 5 }, () => ({ code: 'STOPPING' })));
    const left = await service.source.query<unknown[]>(`SELECT 1 FROM plugin_databases WHERE plugin_id = 'leaver'`);
    expect(left).toEqual([]);
    // Its next life begins as any other.
    expect(await run(at, leaver, 'SELECT 1 AS one')).toBeDefined();
  });
});
