import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The outbox of a service, in its own schema. */
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

/**
 * Whose turn it is, as rows that are locked: `relay`, and one for each tenant. Not as advisory locks, which every login of the
 * database may take, a plugin's too; a row can only be locked by who may write its table.
 */
export class OutboxTurnsMigration implements MigrationInterface {
  readonly name = 'OutboxTurns1700000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE outbox_turns (name text PRIMARY KEY)');
    await runner.query(`INSERT INTO outbox_turns VALUES ('relay')`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE outbox_turns');
  }
}

/** What a service lists among its migrations to have an outbox. */
export const outboxMigrations = [OutboxMigration, OutboxTurnsMigration] as const;
