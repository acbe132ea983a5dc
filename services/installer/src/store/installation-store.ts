import type { Installation, InstallationCursor, InstalledPlugin, PluginState } from '@verifywise/contracts';
import type { DataSource } from 'typeorm';
import type { Installations } from '../installation/hands.ts';
import { installationOf, type ConfigRecord, type InstalledRecord } from '../installation/installed-plugin.ts';
import { ConfigTable, InstallationTable } from './tables.ts';
import { recordOf } from './transactions.ts';

/** Installations and configs as they are; changing them takes a transaction. */
export class InstallationStore implements Installations {
  readonly #source: DataSource;

  constructor(source: DataSource) {
    this.#source = source;
  }

  async find(tenant: string, pluginId: string): Promise<InstalledRecord | null> {
    const row = await this.#source.getRepository(InstallationTable).findOneBy({ tenant, pluginId });
    return row === null ? null : recordOf(row);
  }

  async list(tenant: string): Promise<InstalledRecord[]> {
    const rows = await this.#source.getRepository(InstallationTable).find({
      where: { tenant },
      order: { pluginId: 'ASC' },
    });
    return rows.map(recordOf);
  }

  findConfig(tenant: string, pluginId: string): Promise<ConfigRecord | null> {
    return this.#source.getRepository(ConfigTable).findOneBy({ tenant, pluginId });
  }

  /** Those of the tenants of these partitions, in the order of tenant and plugin, from after the cursor on. */
  async listByPartitions(
    partitions: number[],
    after: InstallationCursor | undefined,
    limit: number,
  ): Promise<Installation[]> {
    const rows = this.#source
      .getRepository(InstallationTable)
      .createQueryBuilder('i')
      .where('i.partition = ANY(:partitions)', { partitions })
      .orderBy('i.tenant', 'ASC')
      .addOrderBy('i.pluginId', 'ASC')
      .limit(limit);
    if (after !== undefined) {
      rows.andWhere('(i.tenant, i.plugin_id) > (:tenant, :pluginId)', {
        tenant: after.tenant,
        pluginId: after.pluginId,
      });
    }
    const found = (await rows.getMany()).map(recordOf);
    const configs = await this.#source
      .getRepository(ConfigTable)
      .createQueryBuilder('c')
      .where('(c.tenant, c.plugin_id) IN (SELECT * FROM unnest(:tenants::text[], :plugins::text[]))', {
        tenants: found.map(({ tenant }) => tenant),
        plugins: found.map(({ pluginId }) => pluginId),
      })
      .getMany();
    const configOf = new Map(configs.map((config) => [`${config.tenant} ${config.pluginId}`, config]));
    return found.map((record) => installationOf(record, configOf.get(`${record.tenant} ${record.pluginId}`) ?? null));
  }

  /** What is installed for each of these tenants; nothing else of it is read, because it is asked for all the time. */
  async installedOf(tenants: readonly string[]): Promise<Map<string, InstalledPlugin[]>> {
    // What is still being installed may yet be undone.
    const rows = await this.#source.query<InstalledRow[]>(
      `SELECT tenant, plugin_id, version, state, desired, generation FROM installations
       WHERE tenant = ANY ($1) AND state <> 'installing' ORDER BY tenant, plugin_id`,
      [tenants],
    );
    const found = new Map(tenants.map((tenant): [string, InstalledPlugin[]] => [tenant, []]));
    for (const { tenant, plugin_id: pluginId, version, state, desired, generation } of rows) {
      const plugin = { pluginId, version, state, enabled: desired === 'enabled', generation: Number(generation) };
      found.get(tenant)?.push(plugin);
    }
    return found;
  }

  /** The tenants that have anything installed, in order, from after this one on. */
  async tenantsAfter(tenant: string, limit: number): Promise<string[]> {
    const rows = await this.#source.query<{ tenant: string }[]>(
      'SELECT DISTINCT tenant FROM installations WHERE tenant > $1 ORDER BY tenant LIMIT $2',
      [tenant, limit],
    );
    return rows.map((row) => row.tenant);
  }
}

interface InstalledRow {
  tenant: string;
  plugin_id: string;
  version: string;
  state: PluginState;
  desired: string;
  generation: string;
}
