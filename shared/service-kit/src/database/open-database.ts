import { DataSource, type EntitySchema } from 'typeorm';
import type { Logger } from '../logs/logger.ts';
import { within } from '../process/within.ts';
import { dataSourceOptions } from './data-source-options.ts';
import { migrate, type MigrationClass } from './migrate.ts';

const DEFAULT_POOL_SIZE = 10;
/** Containers of one machine start together; PostgreSQL that recovers after a crash takes a while. */
const CONNECT_DEADLINE_MS = 60_000;
/** No query of a service may take longer; a report that does is to be written otherwise. */
const STATEMENT_TIMEOUT_MS = 10_000;
/** Readiness is asked for every few seconds. */
const PING_DEADLINE_MS = 2_000;

const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,62}$/;

export interface DatabaseOptions {
  url: string;
  /** The service's own schema: `plugin_runner`. */
  schema: string;
  /** The table maps of the service; plain objects with any row type. */
  entities: readonly EntitySchema[];
  migrations: readonly MigrationClass[];
  log: Logger;
  poolSize?: number;
  /** What pg_stat_activity shows; the schema's name unless said. */
  applicationName?: string;
  connectDeadlineMs?: number;
  statementTimeoutMs?: number;
}

export interface Database {
  readonly source: DataSource;
  readonly schema: string;
  /** Rejects when PostgreSQL does not answer within two seconds: a check for /readyz. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a service's schema: waits for PostgreSQL up to a deadline, creates the schema, migrates, and gives the pool. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { url, schema, log } = options;
  if (!SCHEMA_NAME.test(schema)) throw new Error(`"${schema}" is not the name of a schema: ${String(SCHEMA_NAME)}`);
  const applicationName = options.applicationName ?? schema;
  const connectDeadlineMs = options.connectDeadlineMs ?? CONNECT_DEADLINE_MS;
  await migrate({ url, schema, applicationName, migrations: options.migrations, connectDeadlineMs, log });

  const source = new DataSource({
    ...dataSourceOptions({
      url,
      schema,
      applicationName,
      poolSize: options.poolSize ?? DEFAULT_POOL_SIZE,
      statementTimeoutMs: options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS,
      log,
    }),
    entities: [...options.entities],
  });
  await source.initialize();
  let closing: Promise<void> | undefined;
  return {
    source,
    schema,
    ping: () => ping(source),
    close: () => (closing ??= source.destroy()),
  };
}

async function ping(source: DataSource): Promise<void> {
  const late = () => new Error(`PostgreSQL did not answer within ${PING_DEADLINE_MS} ms`);
  await within(PING_DEADLINE_MS, () => source.query('SELECT 1'), late);
}
