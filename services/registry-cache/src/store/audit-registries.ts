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
    await runner.query(`CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME; END $$`);
    await runner.query(`CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE audit');
    await runner.query('DROP FUNCTION refuse_change()');
  }
}
