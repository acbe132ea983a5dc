import type { DataSource } from 'typeorm';
import type { Surface } from '@verifywise/contracts';
import { rows } from './sql.ts';

export interface StoredSurface {
  tenant: string;
  pluginId: string;
  version: string;
  surface: Surface;
}

interface Row {
  tenant: string;
  plugin_id: string;
  version: string;
  surface: Surface;
}

/** What enabled plugins offer, readable by every runner. */
export class SurfaceStore {
  readonly #db: DataSource;
  constructor(db: DataSource) {
    this.#db = db;
  }

  async save({ tenant, pluginId, version, surface }: StoredSurface, generation: number): Promise<void> {
    await this.#db.query(
      `INSERT INTO surfaces (tenant, plugin_id, version, generation, surface) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (tenant, plugin_id) DO UPDATE
          SET version = excluded.version, generation = excluded.generation, surface = excluded.surface
        WHERE surfaces.generation <= excluded.generation`,
      [tenant, pluginId, version, generation, JSON.stringify(surface)],
    );
  }

  async remove(tenant: string, pluginId: string): Promise<void> {
    await this.#db.query('DELETE FROM surfaces WHERE tenant = $1 AND plugin_id = $2', [tenant, pluginId]);
  }

  async find(tenant: string, pluginId: string): Promise<Surface | null> {
    const [row] = await this.#read('WHERE tenant = $1 AND plugin_id = $2', [tenant, pluginId]);
    return row?.surface ?? null;
  }

  async ofTenant(tenant: string): Promise<StoredSurface[]> {
    return this.#read('WHERE tenant = $1', [tenant]);
  }

  async ofPartition(partition: number): Promise<StoredSurface[]> {
    return this.#read(
      'WHERE (tenant, plugin_id) IN (SELECT tenant, plugin_id FROM installations WHERE partition = $1)',
      [partition],
    );
  }

  async #read(condition: string, parameters: unknown[]): Promise<StoredSurface[]> {
    const found = await rows<Row>(
      this.#db,
      `SELECT tenant, plugin_id, version, surface FROM surfaces ${condition} ORDER BY tenant, plugin_id`,
      parameters,
    );
    return found.map(({ plugin_id, ...row }) => ({ ...row, pluginId: plugin_id }));
  }
}
