import type { Pool } from 'pg';
import { refusal } from './refused-statement.ts';

/** Runs one statement and gives its rows. */
export type Query = <R extends object>(sql: string, params?: unknown[]) => Promise<R[]>;

/** All statements of `work`, or none of them. */
export async function inTransaction<T>(pool: Pool, work: (query: Query) => Promise<T>): Promise<T> {
  const connection = await pool.connect();
  let broken: Error | undefined;
  const query: Query = async <R extends object>(sql: string, params: unknown[] = []) =>
    (await connection.query<R>(sql, params)).rows;
  try {
    await connection.query('BEGIN');
    const result = await work(query);
    await connection.query('COMMIT');
    return result;
  } catch (error) {
    await connection.query('ROLLBACK').catch((failed: unknown) => {
      broken = failed as Error;
    });
    throw refusal(error);
  } finally {
    connection.release(broken);
  }
}
