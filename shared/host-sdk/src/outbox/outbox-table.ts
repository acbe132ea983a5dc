import type { Pool } from 'pg';
import { outboxIn, outboxSql } from './outbox.ts';

/** CREATE … IF NOT EXISTS fails in these ways when another process makes the same at the same moment. */
const MADE_MEANWHILE = ['23505', '42P06', '42P07', '42710'];
/** Each may be lost to another process only once for each thing that is made. */
const ATTEMPTS = 5;

/** Makes the tables that are missing; of processes that start at once each does, until all is there. */
export async function createOutboxTable(pool: Pool, schema: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (await isThere(pool, schema)) return;
      await pool.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
      await pool.query(outboxSql(schema));
      return;
    } catch (error) {
      const { code = '' } = error as { code?: string };
      if (attempt === ATTEMPTS || !MADE_MEANWHILE.includes(code)) throw error;
    }
  }
}

/** Looked at first, because a statement that changes a table waits for whoever uses it, and everybody then waits for that. */
async function isThere(pool: Pool, schema: string): Promise<boolean> {
  const { groups } = outboxIn(schema);
  // The last thing that is made.
  const { rows } = await pool.query<{ there: boolean }>(`SELECT to_regclass($1) IS NOT NULL AS there`, [groups]);
  if (rows[0]?.there !== true) return false;
  return (await pool.query(`SELECT 1 FROM ${groups} LIMIT 1`)).rows.length > 0;
}
