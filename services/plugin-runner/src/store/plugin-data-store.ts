import type { DataSource } from 'typeorm';
import type { PluginRoleStore } from './plugin-database/plugin-roles.ts';
import type { PluginData } from '../messages/delete-plugin-data.ts';

const TABLES = [
  ...['metadata', 'parked_events', 'failed_deliveries', 'surfaces', 'plugin_logs'],
  ...['plugin_models', 'plugin_model_associations', 'plugin_model_versions'],
];

/** The end of everything the runners keep for one plugin of one tenant. */
export class PluginDataStore implements PluginData {
  readonly #db: DataSource;
  readonly #roles: Pick<PluginRoleStore, 'drop'>;

  constructor(db: DataSource, roles: Pick<PluginRoleStore, 'drop'>) {
    this.#db = db;
    this.#roles = roles;
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
