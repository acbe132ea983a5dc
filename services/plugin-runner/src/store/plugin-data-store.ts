import type { DataSource } from 'typeorm';
import type { FailedDeliveries, FailedDelivery } from '../hosting/failed-deliveries.ts';
import type { PluginRoleStore } from './plugin-database/plugin-roles.ts';
import type { PluginData } from '../messages/delete-plugin-data.ts';

const TABLES = [
  ...['metadata', 'failed_deliveries', 'surfaces', 'plugin_logs'],
  ...['plugin_models', 'plugin_model_associations', 'plugin_model_versions'],
];

/** Failed deliveries, and the end of everything the runners keep for one plugin of one tenant. */
export class PluginDataStore implements FailedDeliveries, PluginData {
  readonly #db: DataSource;
  readonly #roles: Pick<PluginRoleStore, 'drop'>;
  constructor(db: DataSource, roles: Pick<PluginRoleStore, 'drop'>) {
    this.#db = db;
    this.#roles = roles;
  }

  async add({ id, tenant, pluginId, version, event, envelope, error }: FailedDelivery): Promise<void> {
    await this.#db.query(
      `INSERT INTO failed_deliveries (id, tenant, plugin_id, version, event_id, event, payload, error)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
      [id, tenant, pluginId, version, envelope.id, event, JSON.stringify(envelope), JSON.stringify(error)],
    );
  }

  async deleteAll(tenant: string, pluginId: string): Promise<void> {
    await this.#roles.drop(tenant, pluginId);
    await this.#db.transaction(async (transaction) => {
      for (const table of TABLES) {
        await transaction.query(`DELETE FROM ${table} WHERE tenant = $1 AND plugin_id = $2`, [tenant, pluginId]);
      }
    });
  }
}
