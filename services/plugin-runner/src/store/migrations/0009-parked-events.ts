import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Events that wait for a plugin where they keep nobody else waiting, in the order in which the plugin gets them. */
export class ParkedEvents1732300000009 implements MigrationInterface {
  readonly name = 'ParkedEvents1732300000009';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE parked_events (
        position bigint GENERATED ALWAYS AS IDENTITY,
        tenant text NOT NULL,
        plugin_id text NOT NULL,
        partition integer NOT NULL,
        event_id text NOT NULL,
        envelope json NOT NULL,
        retry json,
        parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (tenant, plugin_id, position),
        UNIQUE (tenant, plugin_id, event_id)
      )`);
    await db.query('CREATE INDEX parked_events_of_partition ON parked_events (partition)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE parked_events');
  }
}
