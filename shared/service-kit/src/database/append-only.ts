import type { QueryRunner } from 'typeorm';

/**
 * Has the database refuse every change and removal in these tables of a schema, whoever asks, by its function `refuse_change`; in the
 * migration that makes the first of them.
 */
export async function makeAppendOnly(runner: QueryRunner, ...tables: string[]): Promise<void> {
  await runner.query(`CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME; END $$`);
  for (const table of tables) {
    await runner.query(`CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ${table}
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`);
  }
}
