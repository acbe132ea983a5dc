import type { DataSource } from 'typeorm';
import { storableJson } from '@verifywise/service-kit';
import type { Surface } from '@verifywise/contracts';
import type { KnownSurface, SurfaceRecords } from '../hosting/surface-records.ts';
import { rows } from './sql.ts';

interface Row {
  tenant: string;
  plugin_id: string;
  version: string;
  surface: Surface;
  since: number;
  asleep: boolean;
}

/** What enabled plugins offer, readable by every runner. */
export class SurfaceStore implements SurfaceRecords {
  readonly #db: DataSource;
  constructor(db: DataSource) {
    this.#db = db;
  }

  async save(
    { tenant, pluginId, version, surface, asleep }: Omit<KnownSurface, 'since'>,
    generation: number,
  ): Promise<number | undefined> {
    const [row] = await rows<Pick<Row, 'since'>>(
      this.#db,
      `INSERT INTO surfaces (tenant, plugin_id, version, generation, surface, asleep) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (tenant, plugin_id) DO UPDATE
          SET version = excluded.version, generation = excluded.generation, surface = excluded.surface, asleep = excluded.asleep
        WHERE surfaces.generation <= excluded.generation
       RETURNING extract(epoch FROM since)::float8 AS since`,
      [tenant, pluginId, version, generation, storableJson(surface), asleep],
    );
    return row?.since;
  }

  async sleeps(tenant: string, pluginId: string, asleep: boolean): Promise<void> {
    await this.#db.query('UPDATE surfaces SET asleep = $3 WHERE tenant = $1 AND plugin_id = $2', [
      tenant,
      pluginId,
      asleep,
    ]);
  }

  async remove(tenant: string, pluginId: string, generation: number): Promise<void> {
    await this.#db.query('DELETE FROM surfaces WHERE tenant = $1 AND plugin_id = $2 AND generation <= $3', [
      tenant,
      pluginId,
      generation,
    ]);
  }

  async find(tenant: string, pluginId: string): Promise<Surface | null> {
    const [row] = await this.#read('WHERE tenant = $1 AND plugin_id = $2', [tenant, pluginId]);
    return row?.surface ?? null;
  }

  async ofTenant(tenant: string): Promise<KnownSurface[]> {
    return this.#read('WHERE tenant = $1', [tenant]);
  }

  async ofPartition(partition: number): Promise<KnownSurface[]> {
    return this.#read(
      'WHERE (tenant, plugin_id) IN (SELECT tenant, plugin_id FROM installations WHERE partition = $1)',
      [partition],
    );
  }

  async #read(condition: string, parameters: unknown[]): Promise<KnownSurface[]> {
    const found = await rows<Row>(
      this.#db,
      `SELECT tenant, plugin_id, version, surface, extract(epoch FROM since)::float8 AS since, asleep
         FROM surfaces ${condition} ORDER BY tenant, plugin_id`,
      parameters,
    );
    return found.map(({ plugin_id, ...row }) => ({ ...row, pluginId: plugin_id }));
  }
}
