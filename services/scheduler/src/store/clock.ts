import type { EntityManager } from 'typeorm';

/** What time it is: the database's clock, so that all schedulers have the same. */
export async function clockNow(manager: Pick<EntityManager, 'query'>): Promise<Date> {
  const [row] = await manager.query<{ now: Date }[]>('SELECT clock_now() AS now');
  if (row === undefined) throw new Error('PostgreSQL did not say what time it is');
  return row.now;
}
