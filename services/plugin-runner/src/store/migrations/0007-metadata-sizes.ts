import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Beside its value and its key, about what PostgreSQL needs for a row. */
const ROW_BYTES = 64;

/** How much metadata each plugin keeps, counted by PostgreSQL with every change, so that a limit costs one look. */
export class MetadataSizes1732300000007 implements MigrationInterface {
  readonly name = 'MetadataSizes1732300000007';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE metadata ADD COLUMN bytes bigint NOT NULL
        GENERATED ALWAYS AS (octet_length(value::text) + octet_length(key) + ${ROW_BYTES}) STORED`);
    await db.query(`
      CREATE TABLE metadata_sizes (
        tenant text NOT NULL,
        plugin_id text NOT NULL,
        bytes bigint NOT NULL,
        PRIMARY KEY (tenant, plugin_id)
      )`);
    await db.query(`
      INSERT INTO metadata_sizes (tenant, plugin_id, bytes)
      SELECT tenant, plugin_id, sum(bytes) FROM metadata GROUP BY tenant, plugin_id`);
    const add = (changes: string) => `
      INSERT INTO metadata_sizes AS size (tenant, plugin_id, bytes)
      SELECT tenant, plugin_id, sum(bytes) FROM (${changes}) AS change GROUP BY tenant, plugin_id ORDER BY tenant, plugin_id
      ON CONFLICT (tenant, plugin_id) DO UPDATE SET bytes = size.bytes + excluded.bytes;`;
    const forgetEmpty = `
      DELETE FROM metadata_sizes
       WHERE bytes = 0 AND (tenant, plugin_id) IN (SELECT tenant, plugin_id FROM removed);`;
    const added = 'SELECT tenant, plugin_id, bytes FROM added';
    const removed = 'SELECT tenant, plugin_id, -bytes AS bytes FROM removed';
    for (const [event, changes, tables] of [
      ['insert', added, 'NEW TABLE AS added'],
      ['update', `${added} UNION ALL ${removed}`, 'OLD TABLE AS removed NEW TABLE AS added'],
      ['delete', removed, 'OLD TABLE AS removed'],
    ] as const) {
      const end = event === 'delete' ? forgetEmpty : '';
      await db.query(`
        CREATE FUNCTION count_metadata_${event}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        BEGIN
          ${add(changes)}
          ${end}
          RETURN NULL;
        END $$`);
      await db.query(`
        CREATE TRIGGER metadata_counted_at_${event} AFTER ${event.toUpperCase()} ON metadata
        REFERENCING ${tables} FOR EACH STATEMENT EXECUTE FUNCTION count_metadata_${event}()`);
    }
  }

  async down(db: QueryRunner): Promise<void> {
    for (const event of ['insert', 'update', 'delete']) {
      await db.query(`DROP TRIGGER metadata_counted_at_${event} ON metadata`);
      await db.query(`DROP FUNCTION count_metadata_${event}()`);
    }
    await db.query('DROP TABLE metadata_sizes');
    await db.query('ALTER TABLE metadata DROP COLUMN bytes');
  }
}
