import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What runners do one after the other, each a row that whoever does it locks (store/turns.ts). */
export class Turns1732300000006 implements MigrationInterface {
  readonly name = 'Turns1732300000006';

  async up(db: QueryRunner): Promise<void> {
    await db.query('CREATE TABLE turns (name text PRIMARY KEY)');
    // Tenants share these; only lines of one tenant must wait for each other.
    await db.query(`INSERT INTO turns SELECT 'logs:' || slot FROM generate_series(0, 63) AS slot`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE turns');
  }
}
