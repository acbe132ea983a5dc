import type { Pool } from 'pg';
import type { Outbox } from './outbox.ts';
import { outboxSql } from './outbox.ts';

/** Makes the table when it is missing. Under a lock, because CREATE … IF NOT EXISTS fails when two processes start at once. */
export async function createOutboxTable(pool: Pool, outbox: Outbox, schema: string): Promise<void> {
  const connection = await pool.connect();
  let failed: Error | undefined;
  try {
    await connection.query('BEGIN');
    await connection.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 1))`, [outbox.lock]);
    await connection.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
    await connection.query(outboxSql(schema));
    await connection.query('COMMIT');
  } catch (error) {
    failed = error as Error;
    throw error;
  } finally {
    // A connection in a failed transaction is of no use to anybody.
    connection.release(failed);
  }
}
