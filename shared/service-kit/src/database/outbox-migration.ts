import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The outbox of a service, in its own schema; goes among the service's migrations. */
export class OutboxMigration implements MigrationInterface {
  readonly name = 'Outbox1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    // json, not jsonb: a payload is published exactly as it was given.
    await runner.query(`CREATE TABLE outbox (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      message_id text NOT NULL,
      fact text NOT NULL,
      tenant text,
      payload json NOT NULL,
      time timestamptz NOT NULL,
      correlation_id text,
      traceparent text
    )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE outbox');
  }
}
