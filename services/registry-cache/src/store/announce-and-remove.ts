import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who was told of which update, registries of the settings that were removed, and by which rules a listing was read. */
export class AnnounceAndRemove implements MigrationInterface {
  readonly name = 'AnnounceAndRemove1763800000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE announced_updates (
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      version text NOT NULL,
      told_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, plugin_id, version)
    )`);
    await runner.query(
      'CREATE TABLE update_sweeps (catalogue text, finished_at timestamptz, leased_until timestamptz)',
    );
    await runner.query('INSERT INTO update_sweeps DEFAULT VALUES');
    await runner.query('CREATE TABLE removed_registries (name text PRIMARY KEY)');
    await runner.query('ALTER TABLE registries ADD COLUMN reading integer NOT NULL DEFAULT 0');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE announced_updates, update_sweeps, removed_registries');
    await runner.query('ALTER TABLE registries DROP COLUMN reading');
  }
}
