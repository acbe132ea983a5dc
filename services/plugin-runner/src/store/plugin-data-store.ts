import type { DataSource } from 'typeorm';
import { storableJson } from '@verifywise/service-kit';
import type { FailedDeliveries, FailedDelivery } from '../hosting/failed-deliveries.ts';
import type { PluginRoleStore } from './plugin-database/plugin-roles.ts';
import type { PluginData } from '../messages/delete-plugin-data.ts';

const TABLES = [
  ...['metadata', 'parked_events', 'failed_deliveries', 'surfaces', 'plugin_logs'],
  ...['plugin_models', 'plugin_model_associations', 'plugin_model_versions'],
];

/** An admin who has not seen what is wrong by the thousandth sees no more in the ones before it; each may carry a whole payload. */
const FAILED_DELIVERIES_KEPT = 1_000;
/** What nobody has looked at for a month nobody repairs any more. */
const FAILED_DELIVERIES_KEPT_FOR = `interval '30 days'`;
/** Looking for old ones reads them all. */
const OLD_ONES_EVERY_MS = 3_600_000;

/** Failed deliveries, and the end of everything the runners keep for one plugin of one tenant. */
export class PluginDataStore implements Pick<FailedDeliveries, 'add'>, PluginData {
  readonly #db: DataSource;
  readonly #roles: Pick<PluginRoleStore, 'drop'>;
  #oldRemovedAt = -Infinity;

  constructor(db: DataSource, roles: Pick<PluginRoleStore, 'drop'>) {
    this.#db = db;
    this.#roles = roles;
  }

  async add({ id, tenant, pluginId, version, event, envelope, error }: FailedDelivery): Promise<void> {
    // The newest before it, as many as may stay, are found by the index.
    await this.#db.query(
      `WITH trimmed AS (
         DELETE FROM failed_deliveries
          WHERE tenant = $2 AND plugin_id = $3 AND failed_at <= (
                SELECT failed_at FROM failed_deliveries WHERE tenant = $2 AND plugin_id = $3
                 ORDER BY failed_at DESC OFFSET ${FAILED_DELIVERIES_KEPT - 1} LIMIT 1))
       INSERT INTO failed_deliveries (id, tenant, plugin_id, version, event_id, event, payload, error)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
      [id, tenant, pluginId, version, envelope.id, event, JSON.stringify(envelope), storableJson(error)],
    );
    await this.#removeOld();
  }

  async deleteAll(tenant: string, pluginId: string): Promise<void> {
    await this.#roles.drop(tenant, pluginId);
    await this.#db.transaction(async (transaction) => {
      for (const table of TABLES) {
        await transaction.query(`DELETE FROM ${table} WHERE tenant = $1 AND plugin_id = $2`, [tenant, pluginId]);
      }
    });
  }

  async #removeOld(): Promise<void> {
    if (performance.now() - this.#oldRemovedAt < OLD_ONES_EVERY_MS) return;
    this.#oldRemovedAt = performance.now();
    await this.#db.query(`DELETE FROM failed_deliveries WHERE failed_at < now() - ${FAILED_DELIVERIES_KEPT_FOR}`);
  }
}
