import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '@verifywise/service-kit';
import pg from 'pg';

const POOL_SIZE = 12;
const CONNECT_DEADLINE_MS = 5_000;
/** A statement of this platform that takes longer is stuck. */
const STATEMENT_DEADLINE_MS = 30_000;
/** How long PostgreSQL may take to come up beside us. */
const START_DEADLINE_MS = 30_000;
const PAUSE_BETWEEN_TRIES_MS = 250;

/** Connections to the platform's database; resolves once it answers. */
export async function openPool(databaseUrl: string, log: Logger): Promise<pg.Pool> {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: POOL_SIZE,
    connectionTimeoutMillis: CONNECT_DEADLINE_MS,
    statement_timeout: STATEMENT_DEADLINE_MS,
    application_name: 'demo-platform',
  });
  pool.on('error', (error) => log.warn({ err: error }, 'An idle database connection ended'));
  const deadline = Date.now() + START_DEADLINE_MS;
  for (;;) {
    try {
      await pool.query('SELECT 1');
      return pool;
    } catch (error) {
      if (Date.now() < deadline) {
        await pause(PAUSE_BETWEEN_TRIES_MS);
        continue;
      }
      await pool.end();
      throw error;
    }
  }
}
