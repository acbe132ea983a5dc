import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hearing } from '@verifywise/broker';
import type { Installation } from '@verifywise/contracts';
import { PluginFailed } from '@verifywise/contracts';
import pg from 'pg';
import { eventually } from '../../../../../test/support/eventually.ts';
import type { RunnerProcess } from '../../testing/runner-process.ts';
import { RunnerRoom } from '../../testing/runner-room.ts';
import type { SqlAnswer } from '../../testing/sql-plugin.ts';
import { SQL_PLUGIN } from '../../testing/sql-plugin.ts';
import { roleNames, coreReaders } from './plugin-names.ts';
import type { Attack, Outcome } from './testing/attacks.ts';
import { attacks, heldLocks } from './testing/attacks.ts';
import { snapshot } from './testing/snapshot.ts';

/** Stands in every row of the victim, and in no statement. */
const MARKER = 'Victoria-7f3a91';
const BOTH = ['database:read', 'database:write'];
const CORE_MODELS = JSON.stringify({ User: { relation: 'plugin_views.users' } });
const all = Object.values(attacks).flat();

/** Logs, tells of a transaction, and falls. */
const BUSY = `
let context;
module.exports = {
  onLoad(ctx) { context = ctx; },
  routes(router) {
    router.get('/work', async (req, res) => {
      context.logger.info('at work');
      await context.db.transaction(async (t) => { await t.query('SELECT 1'); await t.emit('plugin:busy:done', {}); });
      setTimeout(() => { throw new Error('fell at work'); }, 300);
      res.json('done');
    });
  },
};`;

/** Keeps one transaction open until it is told. */
const HOLDER = `
let context;
let release;
module.exports = {
  onLoad(ctx) { context = ctx; },
  routes(router) {
    router.post('/hold', async (req, res) => {
      await context.db.transaction(async (t) => {
        for (const sql of req.body.statements) await t.query(sql);
        await new Promise((resolve) => { release = resolve; });
      });
      res.json({ held: req.body.statements.length });
    });
    router.post('/release', (req, res) => { release(); res.json({}); });
  },
};`;

describe('what a plugin may try with SQL', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  let service: pg.Client;
  let victimObject = '';
  const database = () => new URL(room.databaseUrl).pathname.slice(1);
  const namesOf = (tenant: string) => roleNames(database(), tenant, 'sql');

  beforeAll(async () => {
    room = await RunnerRoom.open();
    service = new pg.Client({ connectionString: room.databaseUrl });
    await service.connect();
    await service.query('CREATE SCHEMA host');
    await service.query('CREATE SCHEMA plugin_views');
    await service.query('CREATE TABLE host.users (id int PRIMARY KEY, tenant text, name text, password text)');
    await service.query(
      `INSERT INTO host.users VALUES (1, 'victim', $1, $1), (2, 'both', 'Ada', $1), (3, 'read', 'Bob', $1), (4, 'none', 'Eve', $1)`,
      [MARKER],
    );
    await service.query('CREATE VIEW plugin_views.users AS SELECT id, tenant, name FROM host.users');
    runner = await room.startRunner({ CORE_MODELS, PLUGIN_STATEMENT_TIMEOUT_MS: '800', PLUGIN_ROW_LIMIT: '2000' });
    await room.enabled({ tenant: 'victim', id: 'sql', version: '2.0.0', code: SQL_PLUGIN, granted: BOTH });
    await query('victim', 'CREATE TABLE plugin_sql_secrets (id serial PRIMARY KEY, secret text)');
    await query('victim', `INSERT INTO plugin_sql_secrets (secret) SELECT $1 FROM generate_series(1, 3)`, [MARKER]);
    const [object] = (await query('victim', `SELECT lo_from_bytea(0, convert_to($1, 'UTF8')) AS id`, [MARKER])).rows;
    victimObject = String(object?.id);
    for (const tenant of ['both', 'read', 'none']) {
      const installed = await room.enabled({ tenant, id: 'sql', code: SQL_PLUGIN, granted: BOTH });
      await query(tenant, 'CREATE TABLE plugin_sql_own (n int)');
      await query(tenant, 'INSERT INTO plugin_sql_own VALUES (1)');
      if (tenant === 'both') continue;
      const granted = tenant === 'read' ? ['database:read'] : [];
      await room.settle({ ...installed, granted, generation: room.nextGeneration() } as Installation);
      await eventually(async () =>
        expect((await query(tenant, 'INSERT INTO plugin_sql_own VALUES (1)')).error?.code).toBe('PERMISSION_DENIED'),
      );
    }
  });
  afterAll(async () => {
    await service.end();
    await room.close();
  });

  const post = async (tenant: string, path: string, body: object): Promise<SqlAnswer> => {
    const headers = { 'content-type': 'application/json' };
    const request = { method: 'POST', headers, body: JSON.stringify(body) };
    return (await (await runner.fetch(tenant, `/api/plugins/sql${path}`, request)).json()) as SqlAnswer;
  };
  const query = (tenant: string, sql: string, params: unknown[] = []) => post(tenant, '/query', { sql, params });

  const placed = (tenant: string, sql: string): string => {
    const { schema, writer, reader } = namesOf(tenant);
    const place: Record<string, string> = {
      own: schema,
      own_role: tenant === 'read' ? reader : writer,
      victim: namesOf('victim').schema,
      victim_role: namesOf('victim').writer,
      victim_role_x: 'p_somebody_else',
      victim_object: victimObject,
      core_group: coreReaders(database()),
      service: new URL(room.databaseUrl).username,
      database: database(),
      nobody: 'nobody',
      newcomer: namesOf('newcomer').schema,
      tenant,
    };
    return sql.replaceAll(/(?<!:):([a-z_]+)/g, (whole, name: string) => place[name] ?? whole);
  };

  const attack = async (tenant: string, { sql }: Attack) => {
    const answer = Array.isArray(sql)
      ? await post(tenant, '/transaction', { statements: sql.map((one) => placed(tenant, one)) })
      : await query(tenant, placed(tenant, sql));
    const { error, answers } = answer as SqlAnswer & { answers?: SqlAnswer[] };
    const rows = (answers ? answers.at(-1)?.rows : answer.rows) ?? [];
    return {
      seen: JSON.stringify(answer),
      outcome: error ? nameOf(error.code) : rows.length === 0 ? 'empty' : 'harmless',
      error,
    };
  };
  const nameOf = (code: string): string =>
    ({
      PERMISSION_DENIED: 'denied',
      QUERY_FAILED: 'failed',
      QUERY_TIMED_OUT: 'late',
      RESULT_TOO_LARGE: 'large',
      TABLE_NAME_INVALID: 'misnamed',
      UNAVAILABLE: 'unavailable',
    })[code] ?? code;
  const isAs = (outcome: string, expected: Outcome) =>
    outcome === expected ||
    (expected === 'harmless' && outcome === 'empty') ||
    (expected === 'refused' && ['denied', 'failed'].includes(outcome));

  const taken = () => {
    const tenants = ['both', 'read', 'none'].map(namesOf);
    const roles = tenants.flatMap(({ writer, reader }) => [writer, reader]);
    return snapshot(service, { roles, schemas: tenants.map(({ schema }) => schema) });
  };

  test('is tried in at least 150 ways', () => {
    expect(all.length).toBeGreaterThanOrEqual(150);
    expect(new Set(all.map(({ sql }) => JSON.stringify(sql))).size).toBe(all.length);
  });

  describe.each(Object.entries(attacks))('%s', (_what, group) => {
    test.each([
      ['reading and writing', 'both', (one: Attack) => one.both],
      ['reading', 'read', (one: Attack) => one.read],
      ['nothing', 'none', (): Outcome => 'denied'],
    ] as const)('granted %s, reads and changes nothing it should not', async (_granted, tenant, expected) => {
      const before = await taken();
      const surprises: unknown[] = [];
      for (const one of group) {
        const { outcome, seen, error } = await attack(tenant, one);
        expect(seen).not.toContain(MARKER);
        // Without any grant nothing reaches PostgreSQL, so what is no statement at all may say so.
        if (!isAs(outcome, expected(one)))
          surprises.push({
            sql: String(one.sql).slice(0, 200),
            outcome,
            expected: expected(one),
            error: error?.message.slice(0, 200),
            state: error?.details?.sqlState,
          });
      }
      expect(surprises).toEqual([]);
      expect(await taken()).toEqual(before);
      const secrets = await query('victim', 'SELECT secret FROM plugin_sql_secrets');
      expect(secrets.rows).toEqual(Array(3).fill({ secret: MARKER }));
      expect(runner.child.exitCode).toBeNull();
    });
  });

  test('while it holds every advisory lock, logs, outbox, relay and the databases of others go on', async () => {
    const failed: string[] = [];
    const hears = hearing(PluginFailed, ({ message }) => Promise.resolve(void failed.push(message)));
    await room.broker.subscribe('installer', [hears]);
    await room.enabled({ tenant: 'neighbour', id: 'busy', code: BUSY, granted: [...BOTH, 'events:emit'] });

    let ended = false;
    await room.enabled({ tenant: 'holder', id: 'sql', code: HOLDER, granted: ['database:read'] });
    const statements = heldLocks.map((sql) => placed('holder', sql));
    const holding = post('holder', '/hold', { statements }).finally(() => (ended = true));
    const advisory = `SELECT count(*)::int AS held FROM pg_locks WHERE locktype = 'advisory'`;
    await eventually(async () =>
      expect((await service.query<{ held: number }>(advisory)).rows[0]?.held).toBeGreaterThan(70),
    );

    const worked = await runner.fetch('neighbour', '/api/plugins/busy/work');
    expect(await worked.json()).toBe('done');
    const kept = `SELECT message FROM plugin_runner.plugin_logs WHERE tenant = 'neighbour' AND message = 'at work'`;
    await eventually(async () => expect((await service.query(kept)).rows).toHaveLength(1));
    await eventually(() => expect(failed.join()).toContain('fell at work'));
    const waiting = `SELECT fact FROM plugin_runner.outbox UNION ALL SELECT id::text FROM plugin_runner.transaction_events`;
    await eventually(async () => expect((await service.query(waiting)).rows).toEqual([]));
    await room.enabled({ tenant: 'newcomer', id: 'sql', code: SQL_PLUGIN, granted: BOTH });
    expect((await query('newcomer', 'SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect(ended).toBe(false);
    await post('holder', '/release', {});
    expect(await holding).toEqual({ held: heldLocks.length });
  });
});
