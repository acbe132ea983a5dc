import type pg from 'pg';
import { DataSource, type MigrationInterface } from 'typeorm';
import type { Logger } from '../logs/logger.ts';
import { connectWithin } from './connecting.ts';
import { dataSourceOptions } from './data-source-options.ts';

/** Another replica that migrates a large table may take this long before we give up. */
const LOCK_DEADLINE_MS = 5 * 60_000;

export type MigrationClass = new () => MigrationInterface;

export interface MigrateOptions {
  url: string;
  schema: string;
  applicationName: string;
  migrations: readonly MigrationClass[];
  connectDeadlineMs: number;
  log: Logger;
}

/** Creates the schema and runs what is new, each migration in its own transaction; of several replicas one at a time. */
export async function migrate(options: MigrateOptions): Promise<void> {
  const { url, schema, applicationName, connectDeadlineMs: deadlineMs, log } = options;
  const guard = await connectWithin({ url, applicationName, deadlineMs }, log);
  try {
    await guard.query(`SET lock_timeout = ${LOCK_DEADLINE_MS}`);
    await lock(guard, schema, log);
    await createSchema(guard, schema);
    await runMigrations(options);
  } finally {
    // Ending the session lets go of the lock, also when a migration failed.
    await guard.end().catch((error: unknown) => log.warn({ err: error }, 'the migration lock was lost'));
  }
}

async function lock(guard: pg.Client, schema: string, log: Logger): Promise<void> {
  const name = [`migrate:${schema}`];
  const tried = await guard.query<{ held: boolean }>(
    'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS held',
    name,
  );
  if (tried.rows[0]?.held === true) return;
  // Mostly another replica that migrates; pg_locks tells who, should it never end.
  log.warn({ schema, atMostMs: LOCK_DEADLINE_MS }, 'another session holds the lock of the migrations; waiting for it');
  await guard.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', name);
}

async function createSchema(guard: pg.Client, schema: string): Promise<void> {
  // A role without the right to create schemas may still use one that was made for it.
  const { rowCount } = await guard.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
  if (rowCount === 0) await guard.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
}

async function runMigrations({ url, schema, applicationName, migrations, log }: MigrateOptions): Promise<void> {
  const source = new DataSource({
    ...dataSourceOptions({ url, schema, applicationName, poolSize: 1, statementTimeoutMs: 0, log }),
    migrations: [...migrations],
  });
  await source.initialize();
  try {
    const done = await source.runMigrations({ transaction: 'each' });
    if (done.length > 0) log.info({ schema, migrations: done.map(({ name }) => name) }, 'migrated');
  } finally {
    await source.destroy();
  }
}
