import type { EntityManager } from 'typeorm';
import { rows } from './sql.ts';

/**
 * Waits until no other transaction has this turn, and has it until this one ends. A row of a table that only the service may touch:
 * advisory locks belong to every login of the database, so a plugin could keep one of ours from us.
 */
export async function takeTurn(transaction: EntityManager, name: string): Promise<void> {
  const isTaken = async () =>
    (await rows(transaction, 'SELECT 1 FROM turns WHERE name = $1 FOR UPDATE', [name])).length > 0;
  if (await isTaken()) return;
  await transaction.query('INSERT INTO turns VALUES ($1) ON CONFLICT DO NOTHING', [name]);
  if (!(await isTaken())) throw new Error(`The turn "${name}" is gone, although it was just made`);
}
