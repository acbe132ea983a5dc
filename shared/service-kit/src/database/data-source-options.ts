import type { DataSourceOptions } from 'typeorm';
import type { Logger } from '../logs/logger.ts';
import { databaseLog, SLOW_STATEMENT_MS } from './database-log.ts';

/** Waiting longer for a free connection than this means that the pool is stuck. */
const POOL_WAIT_MS = 10_000;
/** A transaction left open by a mistake holds locks against everybody. */
const IDLE_TRANSACTION_MS = 60_000;

type PostgresOptions = Extract<DataSourceOptions, { type: 'postgres' }>;

export interface ConnectionOptions {
  url: string;
  schema: string;
  applicationName: string;
  poolSize: number;
  /** 0 for none. */
  statementTimeoutMs: number;
  log: Logger;
}

/** How every pool of a service connects: its schema first, its name shown in pg_stat_activity, its statements limited. */
export function dataSourceOptions(options: ConnectionOptions): PostgresOptions {
  const { log } = options;
  return {
    type: 'postgres',
    url: options.url,
    schema: options.schema,
    applicationName: options.applicationName,
    poolSize: options.poolSize,
    connectTimeoutMS: POOL_WAIT_MS,
    installExtensions: false,
    synchronize: false,
    logger: databaseLog(log),
    maxQueryExecutionTime: SLOW_STATEMENT_MS,
    // An idle connection that breaks (PostgreSQL restarts) is replaced by the pool when it is needed.
    poolErrorHandler: (error: unknown) => log.warn({ err: error }, 'an idle database connection broke'),
    extra: {
      options: `-c search_path=${options.schema}`,
      statement_timeout: options.statementTimeoutMs,
      idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
      keepAlive: true,
    },
  };
}
