import { makeAppendOnly } from '@verifywise/service-kit';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who did what to registries; nobody changes it afterwards, not even we. */
export class AuditRegistries implements MigrationInterface {
  readonly name = 'AuditRegistries1763800000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE audit (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      at timestamptz NOT NULL DEFAULT now(),
      registry text NOT NULL,
      action text NOT NULL,
      actor jsonb NOT NULL,
      before jsonb,
      after jsonb
    )`);
    await runner.query('CREATE INDEX audit_by_registry ON audit (registry, id)');
    await makeAppendOnly(runner, 'audit');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE audit');
    await runner.query('DROP FUNCTION refuse_change()');
  }
}
