import type { DataSource, EntityManager } from 'typeorm';

/** Rows of one statement, typed where it is written. */
export async function rows<Row>(
  db: DataSource | EntityManager,
  sql: string,
  parameters: unknown[] = [],
): Promise<Row[]> {
  const answer: unknown = await db.query(sql, parameters);
  // TypeORM answers UPDATE and DELETE with [rows, count], everything else with rows.
  if (Array.isArray(answer) && answer.length === 2 && Array.isArray(answer[0]) && typeof answer[1] === 'number') {
    return answer[0] as Row[];
  }
  return answer as Row[];
}

/** How many rows an UPDATE or DELETE touched. */
export async function touched(
  db: DataSource | EntityManager,
  sql: string,
  parameters: unknown[] = [],
): Promise<number> {
  const answer: unknown = await db.query(sql, parameters);
  return Array.isArray(answer) && typeof answer[1] === 'number' ? answer[1] : 0;
}
