import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The lines of the plugins' logs, as any runner writes and reads them. */
export class PluginLogs1732300000004 implements MigrationInterface {
  readonly name = 'PluginLogs1732300000004';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE plugin_logs (
        id bigint GENERATED ALWAYS AS IDENTITY,
        tenant text NOT NULL,
        plugin_id text NOT NULL,
        at timestamptz NOT NULL,
        level smallint NOT NULL,
        version text NOT NULL,
        message text NOT NULL,
        meta text
      )`);
    await db.query('CREATE UNIQUE INDEX plugin_logs_of_plugin ON plugin_logs (tenant, plugin_id, id)');
    // Lines come in the order of time: a summary of each range of the table finds the old ones, and costs a write nearly nothing.
    await db.query('CREATE INDEX plugin_logs_by_time ON plugin_logs USING brin (at)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE plugin_logs');
  }
}
