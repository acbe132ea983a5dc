import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where a service remembers its answers by Idempotency-Key; goes among the service's migrations. */
export class IdempotencyMigration implements MigrationInterface {
  readonly name = 'Idempotency1700000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE idempotency_keys (
      tenant text NOT NULL,
      key text NOT NULL,
      method text NOT NULL,
      path text NOT NULL,
      fingerprint text NOT NULL,
      claim uuid NOT NULL,
      held_until timestamptz NOT NULL,
      status integer,
      headers json,
      body bytea,
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (tenant, key, method, path)
    )`);
    await runner.query('CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE idempotency_keys');
  }
}
