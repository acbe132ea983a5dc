import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Database } from '@verifywise/service-kit';
import { createLogger, openDatabase, secretBox } from '@verifywise/service-kit';
import { inPostgres } from '../../../../../infra/local/src/backing/handshakes.ts';
import { backingServices } from '../../../../../test/support/backing-services.ts';
import { PluginDatabases1732300000002 } from '../migrations/0002-plugin-databases.ts';
import { Turns1732300000006 } from '../migrations/0006-turns.ts';
import { backendControl } from './backend-control.ts';
import { CoreViews } from './core-views.ts';
import type { PluginOwner } from './plugin-connections.ts';
import { PluginConnections } from './plugin-connections.ts';
import { coreReaders } from './plugin-names.ts';
import { PluginRoleStore } from './plugin-roles.ts';

const log = createLogger('test', 'silent');
const name = `test_${randomBytes(6).toString('hex')}`;

/** The least that docs/containers.md asks for: CREATEROLE, and the database is its own. */
describe('a service whose user is no superuser', () => {
  let service: Database;
  let roles: PluginRoleStore;
  let connections: PluginConnections;
  let url = '';
  const asAdmin = (...statements: string[]) =>
    inPostgres(backingServices().databaseUrl, async (client) => {
      for (const sql of statements) await client.query(sql);
    });

  beforeAll(async () => {
    const password = randomBytes(16).toString('hex');
    await asAdmin(
      `CREATE ROLE ${name} LOGIN CREATEROLE PASSWORD '${password}'`,
      `CREATE DATABASE ${name} OWNER ${name}`,
      `REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`,
    );
    const own = new URL(backingServices().databaseUrl);
    Object.assign(own, { username: name, password, pathname: `/${name}` });
    url = own.href;
    const migrations = [PluginDatabases1732300000002, Turns1732300000006];
    service = await openDatabase({ url, schema: 'plugin_runner', entities: [], migrations, log });
    roles = new PluginRoleStore(service.source, secretBox([{ kid: 'k1', key: randomBytes(32) }]));
    connections = new PluginConnections({
      url,
      roles,
      coreSchema: 'core_views',
      most: 10,
      limits: { statementMs: 500, rows: 100, bytes: 1024 * 1024 },
      control: backendControl(service.source, log),
      log,
    });
  });
  afterAll(async () => {
    await connections.close();
    await roles.drop('acme', 'notes');
    await roles.drop('globex', 'notes');
    await service.close();
    await asAdmin(
      `DROP DATABASE ${name} WITH (FORCE)`,
      `DROP ROLE IF EXISTS ${coreReaders(name)}`,
      `DROP ROLE ${name}`,
    );
  });

  const run = async (owner: PluginOwner, sql: string) => {
    const connection = await connections.acquire(owner, owner.granted.includes('database:write') ? 'write' : 'read');
    try {
      return (await connection.client.query(sql)).rows;
    } finally {
      connection.release();
    }
  };
  const acme: PluginOwner = { tenant: 'acme', pluginId: 'notes', granted: ['database:read', 'database:write'] };
  const globex: PluginOwner = { ...acme, tenant: 'globex' };

  test('keeps plugins apart, shows them core views, and takes back what it granted', async () => {
    await service.source.query(`CREATE TABLE public.host_users (id int, tenant text)`);
    await service.source.query(`INSERT INTO public.host_users VALUES (1, 'acme'), (2, 'globex')`);
    const relations = { User: { relation: 'public.host_users', view: 'users' } };
    const views = new CoreViews({ db: service.source, roles, schema: 'core_views', relations, log });
    await views.start();
    await views.close();
    expect(views.models()).toMatchObject([{ name: 'User', view: 'users' }]);

    for (const owner of [acme, globex]) {
      await run(owner, 'CREATE TABLE plugin_notes_t (n int)');
      await run(owner, 'GRANT ALL ON plugin_notes_t TO PUBLIC');
    }
    expect(await run(acme, 'SELECT * FROM users')).toEqual([{ id: 1, tenant: 'acme' }]);
    expect(await run(globex, 'SELECT * FROM users')).toEqual([{ id: 2, tenant: 'globex' }]);
    const reader: PluginOwner = { ...acme, granted: ['database:read'] };
    expect(await run(reader, 'SELECT * FROM plugin_notes_t')).toEqual([]);
    await expect(run(reader, 'INSERT INTO plugin_notes_t VALUES (1)')).rejects.toMatchObject({ code: '42501' });
    const writer: PluginOwner = { ...acme, granted: ['database:write'] };
    await expect(run(writer, 'SELECT * FROM core_views.users')).rejects.toMatchObject({ code: '42501' });
    await expect(run(writer, `SET ROLE ${name}`)).rejects.toMatchObject({ code: '42501' });
  });

  test('one core view that cannot be made hides no other, and the log names it', async () => {
    await service.source.query('CREATE TABLE public.host_risks (id int, tenant text)');
    await service.source.query('CREATE SCHEMA IF NOT EXISTS core_views');
    await service.source.query('CREATE TABLE core_views.taken (id int)');
    const warned: unknown[] = [];
    const views = new CoreViews({
      ...{ db: service.source, roles, schema: 'core_views' },
      relations: {
        Broken: { relation: 'public.host_risks', view: 'taken' },
        Risk: { relation: 'public.host_risks', view: 'risks' },
      },
      log: { warn: (about: unknown) => void warned.push(about), debug: () => undefined },
    });
    await views.start();
    await views.close();
    expect(views.models()).toMatchObject([{ name: 'Risk', view: 'risks' }]);
    expect(warned).toEqual([
      { model: 'Broken', relation: 'public.host_risks', err: expect.objectContaining({ code: '42809' }) },
    ]);
  });

  test('ends what does not end, and drops everything', async () => {
    await run(acme, 'SET statement_timeout = 0');
    const stubborn = `DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$`;
    const connection = await connections.acquire(acme, 'write');
    await connection.client.query('SET statement_timeout = 0');
    await expect(connection.client.query(stubborn)).rejects.toMatchObject({ code: 'QUERY_TIMED_OUT' });
    connection.release();
    await roles.drop('acme', 'notes');
    await roles.drop('acme', 'notes');
    expect(await service.source.query(`SELECT 1 FROM pg_roles WHERE rolname = $1`, [name])).toHaveLength(1);
    expect(await run(globex, 'SELECT n FROM plugin_notes_t')).toEqual([]);
    const left = await service.source.query<unknown[]>(`SELECT 1 FROM plugin_databases WHERE tenant = 'acme'`);
    expect(left).toEqual([]);
  });
});
