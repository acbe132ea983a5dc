import { makeAppendOnly } from '@verifywise/service-kit';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What an admin needs to see and replay failed deliveries, and who did so; nobody changes that afterwards, not even we. */
export class FailedDeliveries1732300000010 implements MigrationInterface {
  readonly name = 'FailedDeliveries1732300000010';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE failed_deliveries
        ADD COLUMN position bigint GENERATED ALWAYS AS IDENTITY,
        ADD COLUMN handler integer NOT NULL DEFAULT -1,
        ADD COLUMN attempts integer NOT NULL DEFAULT 1,
        ADD COLUMN fingerprint text NOT NULL DEFAULT ''`);
    await db.query('CREATE INDEX failed_deliveries_by_position ON failed_deliveries (tenant, plugin_id, position)');
    await db.query(`
      CREATE TABLE delivery_audit (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT now(),
        tenant text NOT NULL,
        plugin_id text NOT NULL,
        action text NOT NULL,
        actor jsonb NOT NULL,
        selection jsonb NOT NULL,
        count integer NOT NULL
      )`);
    await db.query('CREATE INDEX delivery_audit_of_plugin ON delivery_audit (tenant, plugin_id, id)');
    await makeAppendOnly(db, 'delivery_audit');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE delivery_audit');
    await db.query('DROP FUNCTION refuse_change()');
    await db.query(`
      ALTER TABLE failed_deliveries
        DROP COLUMN position, DROP COLUMN handler, DROP COLUMN attempts, DROP COLUMN fingerprint`);
  }
}
