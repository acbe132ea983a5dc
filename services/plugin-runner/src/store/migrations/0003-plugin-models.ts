import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The models that plugins have defined, each version its own, so that an update can be rolled back. */
export class PluginModels1732300000003 implements MigrationInterface {
  readonly name = 'PluginModels1732300000003';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE plugin_model_versions (
        tenant text NOT NULL,
        plugin_id text NOT NULL,
        version text NOT NULL,
        opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (tenant, plugin_id, version)
      )`);
    await db.query(`
      CREATE TABLE plugin_models (
        tenant text NOT NULL,
        plugin_id text NOT NULL,
        version text NOT NULL,
        name text NOT NULL,
        position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
        definition jsonb NOT NULL,
        PRIMARY KEY (tenant, plugin_id, version, name)
      )`);
    await db.query(`
      CREATE TABLE plugin_model_associations (
        tenant text NOT NULL,
        plugin_id text NOT NULL,
        version text NOT NULL,
        source text NOT NULL,
        included_as text NOT NULL,
        position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
        association jsonb NOT NULL,
        PRIMARY KEY (tenant, plugin_id, version, source, included_as)
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    for (const table of ['plugin_model_associations', 'plugin_models', 'plugin_model_versions']) {
      await db.query(`DROP TABLE ${table}`);
    }
  }
}
