import type { Installation, InstallationCursor } from '@verifywise/contracts';
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
}
