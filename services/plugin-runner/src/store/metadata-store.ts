import type { DataSource } from 'typeorm';
import type { MetadataRecord, MetadataRecords } from '../capabilities/metadata.ts';
import { rows, touched } from './sql.ts';

interface Row {
  entity_type: string;
  entity_id: string;
  key: string;
  value: unknown;
  updated_at: Date;
}

const COLUMNS = 'entity_type, entity_id, key, value, updated_at';

export class MetadataStore implements MetadataRecords {
  readonly #db: DataSource;
  constructor(db: DataSource) {
    this.#db = db;
  }

  async get(tenant: string, pluginId: string, type: string, id: number, key: string): Promise<unknown> {
    const [row] = await rows<{ value: unknown }>(
      this.#db,
      'SELECT value FROM metadata WHERE tenant = $1 AND plugin_id = $2 AND entity_type = $3 AND entity_id = $4 AND key = $5',
      [tenant, pluginId, type, id, key],
    );
    return row ? row.value : null;
  }

  async set(tenant: string, pluginId: string, type: string, id: number, values: [string, string][]): Promise<void> {
    await this.#db.query(
      `INSERT INTO metadata (tenant, plugin_id, entity_type, entity_id, key, value)
       SELECT $1, $2, $3, $4, key, value::jsonb FROM unnest($5::text[], $6::text[]) AS entry (key, value)
       ON CONFLICT (tenant, plugin_id, entity_type, entity_id, key)
       DO UPDATE SET value = excluded.value, updated_at = clock_timestamp()`,
      [tenant, pluginId, type, id, values.map(([key]) => key), values.map(([, value]) => value)],
    );
  }

  async delete(tenant: string, pluginId: string, type: string, id: number, key?: string): Promise<number> {
    return touched(
      this.#db,
      `DELETE FROM metadata WHERE tenant = $1 AND plugin_id = $2 AND entity_type = $3 AND entity_id = $4
         AND ($5::text IS NULL OR key = $5)`,
      [tenant, pluginId, type, id, key ?? null],
    );
  }

  async ofEntity(tenant: string, pluginId: string, type: string, id: number): Promise<MetadataRecord[]> {
    return this.#find('entity_type = $3 AND entity_id = $4', [tenant, pluginId, type, id]);
  }

  async byKey(tenant: string, pluginId: string, type: string, key: string, value: string): Promise<MetadataRecord[]> {
    return this.#find('entity_type = $3 AND key = $4 AND value = $5::jsonb', [tenant, pluginId, type, key, value]);
  }

  async byKeyPrefix(tenant: string, pluginId: string, type: string, prefix: string): Promise<MetadataRecord[]> {
    return this.#find('entity_type = $3 AND starts_with(key, $4)', [tenant, pluginId, type, prefix]);
  }

  async ofPlugin(tenant: string, pluginId: string): Promise<MetadataRecord[]> {
    return this.#find('true', [tenant, pluginId]);
  }

  async deleteOfPlugin(tenant: string, pluginId: string): Promise<number> {
    return touched(this.#db, 'DELETE FROM metadata WHERE tenant = $1 AND plugin_id = $2', [tenant, pluginId]);
  }

  async #find(condition: string, parameters: unknown[]): Promise<MetadataRecord[]> {
    const found = await rows<Row>(
      this.#db,
      `SELECT ${COLUMNS} FROM metadata WHERE tenant = $1 AND plugin_id = $2 AND ${condition}
        ORDER BY entity_type, key, entity_id`,
      parameters,
    );
    return found.map((row) => ({
      entityType: row.entity_type,
      entityId: Number(row.entity_id),
      key: row.key,
      value: row.value,
      updatedAt: row.updated_at,
    }));
  }
}
