import type { Pool } from 'pg';
import { outboxSql } from './outbox.ts';

/** CREATE … IF NOT EXISTS fails in these ways when another process makes the same at the same moment. */
const MADE_MEANWHILE = ['23505', '42P06', '42P07', '42710'];
/** Each may be lost to another process only once for each thing that is made. */
const ATTEMPTS = 5;

/** Makes the tables that are missing; of processes that start at once each does, until all is there. */
export async function createOutboxTable(pool: Pool, schema: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await pool.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
      await pool.query(outboxSql(schema));
      return;
    } catch (error) {
      const { code = '' } = error as { code?: string };
      if (attempt === ATTEMPTS || !MADE_MEANWHILE.includes(code)) throw error;
    }
  }
}
