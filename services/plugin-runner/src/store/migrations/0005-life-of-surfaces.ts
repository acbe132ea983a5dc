import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Since when a plugin is enabled, which orders middleware over plugins, and whether it sleeps, so that it still does elsewhere. */
export class LifeOfSurfaces1732300000005 implements MigrationInterface {
  readonly name = 'LifeOfSurfaces1732300000005';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE surfaces
        ADD COLUMN since timestamptz NOT NULL DEFAULT clock_timestamp(),
        ADD COLUMN asleep boolean NOT NULL DEFAULT false`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE surfaces DROP COLUMN since, DROP COLUMN asleep');
  }
}
