import type { InstalledRecord } from '../installation/installed-plugin.ts';
import type { Transaction } from '../installation/transaction.ts';

/** Has the runner see the config as it is now. While an operation is under way its target is what runs, so the generation is the target's. */
export async function underNewGeneration(tx: Transaction, record: InstalledRecord): Promise<InstalledRecord> {
  const { target } = record;
  const generation = await tx.nextGeneration();
  const saved: InstalledRecord =
    target === null
      ? { ...record, generation, updatedAt: new Date() }
      : { ...record, target: { ...target, generation } };
  await tx.saveInstallation(saved);
  if (target === null) await tx.tellRunner(saved);
  return saved;
}
