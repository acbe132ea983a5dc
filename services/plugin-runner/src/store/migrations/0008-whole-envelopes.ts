import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The event of a failed delivery is kept exactly as it came: json takes every text that jsonb refuses. */
export class WholeEnvelopes1732300000008 implements MigrationInterface {
  readonly name = 'WholeEnvelopes1732300000008';

  async up(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE failed_deliveries ALTER COLUMN payload TYPE json USING payload::text::json');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE failed_deliveries ALTER COLUMN payload TYPE jsonb USING payload::text::jsonb');
  }
}
