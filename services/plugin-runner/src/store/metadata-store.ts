import { PlatformError } from '@verifywise/contracts';
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

type NoRow = { [Column in keyof Row]: null };

/** Of one plugin of one tenant: metadata is a note beside an entity, not a place for files. */
const MOST_BYTES_KEPT = 100 * 1024 * 1024;
/** Of one answer: read whole into the runner's memory, and then into the plugin's. */
const MOST_ROWS = 10_000;
const MOST_BYTES = 8 * 1024 * 1024;

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

  /** Rejects with METADATA_TOO_LARGE when there would be too much of the plugin's. */
  async set(tenant: string, pluginId: string, type: string, id: number, values: [string, string][]): Promise<void> {
    const bytes = values.reduce((sum, [, value]) => sum + Buffer.byteLength(value), 0);
    // Several that are set at the same moment may go beyond the limit together; the next one is refused.
    const set = await rows(
      this.#db,
      `INSERT INTO metadata (tenant, plugin_id, entity_type, entity_id, key, value)
       SELECT $1, $2, $3, $4, key, value::jsonb FROM unnest($5::text[], $6::text[]) AS entry (key, value)
        WHERE $7 >= COALESCE((SELECT bytes FROM metadata_sizes WHERE tenant = $1 AND plugin_id = $2), 0)
        ORDER BY key
       ON CONFLICT (tenant, plugin_id, entity_type, entity_id, key)
       DO UPDATE SET value = excluded.value, updated_at = clock_timestamp()
       RETURNING 1`,
      [
        ...[tenant, pluginId, type, id, values.map(([key]) => key), values.map(([, value]) => value)],
        MOST_BYTES_KEPT - bytes,
      ],
    );
    if (set.length > 0) return;
    const message = `${pluginId} keeps ${MOST_BYTES_KEPT} bytes of metadata at most; delete some before setting more`;
    throw new PlatformError('METADATA_TOO_LARGE', message);
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

  /** Rejects with RESULT_TOO_LARGE when it is more than one answer may have; PostgreSQL then reads none of the values. */
  async #find(condition: string, parameters: unknown[]): Promise<MetadataRecord[]> {
    const found = await rows<(Row | NoRow) & { tooLarge: boolean }>(
      this.#db,
      `WITH found AS MATERIALIZED (
         SELECT ${COLUMNS}, bytes FROM metadata WHERE tenant = $1 AND plugin_id = $2 AND ${condition}
          LIMIT ${MOST_ROWS + 1}
       ), size AS (
         SELECT count(*) > ${MOST_ROWS} OR COALESCE(sum(bytes), 0) > ${MOST_BYTES} AS "tooLarge" FROM found
       )
       SELECT "tooLarge", ${COLUMNS} FROM size LEFT JOIN found ON NOT "tooLarge"
        ORDER BY entity_type, key, entity_id`,
      parameters,
    );
    if (found[0]?.tooLarge) {
      const message = `The answer has more than ${MOST_ROWS} entries or ${MOST_BYTES} bytes; ask by entity, by key or by a longer prefix of the key`;
      throw new PlatformError('RESULT_TOO_LARGE', message);
    }
    // Without an entry there is one row that says so.
    return found.filter(isEntry).map((row) => ({
      entityType: row.entity_type,
      entityId: Number(row.entity_id),
      key: row.key,
      value: row.value,
      updatedAt: row.updated_at,
    }));
  }
}

function isEntry<Found extends Row | NoRow>(row: Found): row is Found & Row {
  return row.key !== null;
}
