import type { DataSource } from 'typeorm';
import type { Installation } from '@verifywise/contracts';
import { partitionOf } from '@verifywise/contracts';
import type { InstallationRecords } from '../hosting/reconcile.ts';
import { rows, touched } from './sql.ts';

/** The runners' projection of the installer's truth, shared by all of them: taking over a partition needs no other service. */
export class InstallationStore implements InstallationRecords {
  readonly #db: DataSource;
  readonly #partitions: number;
  constructor(db: DataSource, partitions: number) {
    this.#db = db;
    this.#partitions = partitions;
  }

  async ofPartition(partition: number): Promise<Installation[]> {
    const found = await rows<{ installation: Installation }>(
      this.#db,
      'SELECT installation FROM installations WHERE partition = $1 ORDER BY tenant, plugin_id',
      [partition],
    );
    return found.map((row) => row.installation);
  }

  async find(tenant: string, pluginId: string): Promise<Installation | null> {
    const [found] = await rows<{ installation: Installation }>(
      this.#db,
      'SELECT installation FROM installations WHERE tenant = $1 AND plugin_id = $2',
      [tenant, pluginId],
    );
    return found?.installation ?? null;
  }

  async save(installation: Installation): Promise<void> {
    const { tenant, pluginId, generation } = installation;
    await this.#db.query(
      `INSERT INTO installations (tenant, plugin_id, partition, generation, installation) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (tenant, plugin_id) DO UPDATE
          SET partition = excluded.partition, generation = excluded.generation, installation = excluded.installation
        WHERE installations.generation <= excluded.generation`,
      [tenant, pluginId, partitionOf(tenant, this.#partitions), generation, JSON.stringify(installation)],
    );
  }

  async remove(tenant: string, pluginId: string, upToGeneration: number): Promise<boolean> {
    return this.#db.transaction(async (transaction) => {
      const removed = await touched(
        transaction,
        'DELETE FROM installations WHERE tenant = $1 AND plugin_id = $2 AND generation <= $3',
        [tenant, pluginId, upToGeneration],
      );
      if (removed > 0)
        await transaction.query('DELETE FROM parked_events WHERE tenant = $1 AND plugin_id = $2', [tenant, pluginId]);
      return removed > 0;
    });
  }

  async isEnabled(tenant: string, pluginId: string): Promise<boolean> {
    const found = await rows(
      this.#db,
      `SELECT 1 FROM installations WHERE tenant = $1 AND plugin_id = $2 AND installation->>'state' = 'enabled'`,
      [tenant, pluginId],
    );
    return found.length > 0;
  }
}
