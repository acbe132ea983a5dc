import type { DataSource, EntityManager } from 'typeorm';
import type { CheckedAssociation } from '../../isolate/models/association.ts';
import type { ModelDefinition, StoredModels } from '../../isolate/protocol.ts';
import { rows } from '../sql.ts';

const OF_VERSION = 'tenant = $1 AND plugin_id = $2 AND version = $3';

interface Found {
  last: string | null;
  definitions: ModelDefinition[] | null;
  associations: CheckedAssociation[] | null;
}

/** What plugins have defined: kept for each version, so that two versions of two tenants, or one after the other, have each their own. */
export class ModelStore {
  readonly #db: DataSource;
  constructor(db: DataSource) {
    this.#db = db;
  }

  /** The models of a version that begins to run. One that never ran before inherits those of the version that ran last. */
  async open(tenant: string, pluginId: string, version: string): Promise<StoredModels> {
    const { last, ...models } = await this.#find(tenant, pluginId, version);
    if (last === version) return models;
    await this.#begin(tenant, pluginId, version);
    return this.find(tenant, pluginId, version);
  }

  async find(tenant: string, pluginId: string, version: string): Promise<StoredModels> {
    const { definitions, associations } = await this.#find(tenant, pluginId, version);
    return { definitions, associations };
  }

  async define(tenant: string, pluginId: string, version: string, definition: ModelDefinition): Promise<void> {
    await this.#db.query(
      `INSERT INTO plugin_models (tenant, plugin_id, version, name, definition) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (tenant, plugin_id, version, name) DO UPDATE SET definition = excluded.definition`,
      [tenant, pluginId, version, definition.name, JSON.stringify(withOrder(definition))],
    );
  }

  async associate(tenant: string, pluginId: string, version: string, association: CheckedAssociation): Promise<void> {
    await this.#db.query(
      `INSERT INTO plugin_model_associations (tenant, plugin_id, version, source, included_as, association)
       VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (tenant, plugin_id, version, source, included_as) DO UPDATE SET association = excluded.association`,
      [tenant, pluginId, version, association.source, association.options.as, JSON.stringify(association)],
    );
  }

  /** Forgets the definitions of one version; that it has run stays known. */
  async forget(tenant: string, pluginId: string, version: string): Promise<void> {
    await this.#db.transaction(async (db) => {
      for (const table of ['plugin_models', 'plugin_model_associations']) {
        await db.query(`DELETE FROM ${table} WHERE ${OF_VERSION}`, [tenant, pluginId, version]);
      }
    });
  }

  /** In one statement, because every start of an isolate waits for it. */
  async #find(tenant: string, pluginId: string, version: string) {
    const [found] = await rows<Found>(
      this.#db,
      `SELECT
         (SELECT version FROM plugin_model_versions
           WHERE tenant = $1 AND plugin_id = $2 ORDER BY opened_at DESC LIMIT 1) AS last,
         (SELECT jsonb_agg(definition ORDER BY position) FROM plugin_models WHERE ${OF_VERSION}) AS definitions,
         (SELECT jsonb_agg(association ORDER BY position) FROM plugin_model_associations WHERE ${OF_VERSION}) AS associations`,
      [tenant, pluginId, version],
    );
    const { last = null, definitions, associations } = found ?? {};
    return { last, definitions: (definitions ?? []).map(inOrder), associations: associations ?? [] };
  }

  async #begin(tenant: string, pluginId: string, version: string): Promise<void> {
    await this.#db.transaction(async (db) => {
      const from = await this.#lastVersion(db, tenant, pluginId);
      const [{ first } = { first: false }] = await rows<{ first: boolean }>(
        db,
        `INSERT INTO plugin_model_versions (tenant, plugin_id, version) VALUES ($1, $2, $3)
         ON CONFLICT (tenant, plugin_id, version) DO UPDATE SET opened_at = clock_timestamp()
         RETURNING (xmax = 0) AS first`,
        [tenant, pluginId, version],
      );
      if (!first || from === undefined) return;
      await db.query(
        `INSERT INTO plugin_models (tenant, plugin_id, version, name, definition)
         SELECT tenant, plugin_id, $4, name, definition FROM plugin_models WHERE ${OF_VERSION} ORDER BY position`,
        [tenant, pluginId, from, version],
      );
      await db.query(
        `INSERT INTO plugin_model_associations (tenant, plugin_id, version, source, included_as, association)
         SELECT tenant, plugin_id, $4, source, included_as, association FROM plugin_model_associations
          WHERE ${OF_VERSION} ORDER BY position`,
        [tenant, pluginId, from, version],
      );
    });
  }

  async #lastVersion(db: EntityManager, tenant: string, pluginId: string): Promise<string | undefined> {
    const [last] = await rows<{ version: string }>(
      db,
      `SELECT version FROM plugin_model_versions WHERE tenant = $1 AND plugin_id = $2 ORDER BY opened_at DESC LIMIT 1`,
      [tenant, pluginId],
    );
    return last?.version;
  }
}

/** `jsonb` sorts the keys of an object, and the order of attributes is the order of columns. */
function withOrder(definition: ModelDefinition): object {
  return { ...definition, attributes: Object.entries(definition.attributes) };
}

function inOrder(stored: ModelDefinition): ModelDefinition {
  return { ...stored, attributes: Object.fromEntries(stored.attributes as unknown as [string, never][]) };
}
