import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateRegistries implements MigrationInterface {
  readonly name = 'CreateRegistries1763800000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE registries (
      name text PRIMARY KEY,
      position integer GENERATED ALWAYS AS IDENTITY,
      url text NOT NULL,
      verified boolean NOT NULL,
      local boolean NOT NULL,
      allowed_hosts jsonb NOT NULL,
      sealed_token text,
      from_settings boolean NOT NULL DEFAULT false,
      etag text,
      last_modified text,
      checked_at timestamptz,
      failed_at timestamptz,
      last_error text,
      lease_holder uuid,
      leased_until timestamptz
    )`);
    await runner.query(`CREATE TABLE listings (
      registry text PRIMARY KEY REFERENCES registries (name) ON DELETE CASCADE,
      digest text NOT NULL,
      listing jsonb NOT NULL,
      plugins integer NOT NULL,
      problems integer NOT NULL,
      fetched_at timestamptz NOT NULL
    )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE listings, registries');
  }
}
