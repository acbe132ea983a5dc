import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who logs in for which plugin of which tenant, and the events of transactions that are being committed. */
export class PluginDatabases1732300000002 implements MigrationInterface {
  readonly name = 'PluginDatabases1732300000002';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE plugin_databases (
        tenant text NOT NULL,
        plugin_id text NOT NULL,
        schema text NOT NULL,
        writer_role text NOT NULL UNIQUE,
        reader_role text NOT NULL UNIQUE,
        writer_password text NOT NULL,
        reader_password text NOT NULL,
        can_read boolean NOT NULL,
        can_write boolean NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant, plugin_id)
      )`);
    await db.query(`
      CREATE TABLE transaction_events (
        id uuid PRIMARY KEY,
        transaction xid8 NOT NULL,
        tenant text NOT NULL,
        plugin_id text NOT NULL,
        events jsonb NOT NULL,
        written_at timestamptz NOT NULL DEFAULT now()
      )`);
    await db.query('CREATE INDEX transaction_events_by_time ON transaction_events (written_at)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE transaction_events');
    await db.query('DROP TABLE plugin_databases');
  }
}
