import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Everything the runners share: who lives, who holds which partition, and what is kept for the plugins they host. */
export class RunnerTables1732300000001 implements MigrationInterface {
  readonly name = 'RunnerTables1732300000001';

  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE runners (
        id text PRIMARY KEY,
        url text NOT NULL,
        started_at timestamptz NOT NULL DEFAULT now(),
        beat_at timestamptz NOT NULL DEFAULT now(),
        draining boolean NOT NULL DEFAULT false
      )`);
    await db.query(`
      CREATE TABLE partitions (
        partition integer PRIMARY KEY,
        runner_id text,
        epoch bigint NOT NULL DEFAULT 0,
        since timestamptz NOT NULL DEFAULT now(),
        released boolean NOT NULL DEFAULT true
      )`);
    await db.query(`
      CREATE TABLE installations (
        tenant text NOT NULL,
        plugin_id text NOT NULL,
        partition integer NOT NULL,
        generation bigint NOT NULL,
        installation jsonb NOT NULL,
        PRIMARY KEY (tenant, plugin_id)
      )`);
    await db.query('CREATE INDEX installations_of_partition ON installations (partition)');
    await db.query(`
      CREATE TABLE surfaces (
        tenant text NOT NULL,
        plugin_id text NOT NULL,
        version text NOT NULL,
        generation bigint NOT NULL,
        surface jsonb NOT NULL,
        PRIMARY KEY (tenant, plugin_id)
      )`);
    await db.query(`
      CREATE TABLE metadata (
        tenant text NOT NULL,
        plugin_id text NOT NULL,
        entity_type text NOT NULL,
        entity_id bigint NOT NULL,
        key text NOT NULL COLLATE "C",
        value jsonb NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant, plugin_id, entity_type, entity_id, key)
      )`);
    await db.query('CREATE INDEX metadata_by_key ON metadata (tenant, plugin_id, entity_type, key)');
    await db.query(`
      CREATE TABLE finished_steps (
        step_id text PRIMARY KEY,
        tenant text NOT NULL,
        plugin_id text NOT NULL,
        outcome jsonb NOT NULL,
        finished_at timestamptz NOT NULL DEFAULT now()
      )`);
    await db.query('CREATE INDEX finished_steps_by_time ON finished_steps (finished_at)');
    await db.query(`
      CREATE TABLE failed_deliveries (
        id uuid PRIMARY KEY,
        tenant text NOT NULL,
        plugin_id text NOT NULL,
        version text NOT NULL,
        event_id text NOT NULL,
        event text NOT NULL,
        payload jsonb NOT NULL,
        error jsonb NOT NULL,
        failed_at timestamptz NOT NULL DEFAULT now()
      )`);
    await db.query('CREATE INDEX failed_deliveries_of_plugin ON failed_deliveries (tenant, plugin_id, failed_at DESC)');
  }

  async down(db: QueryRunner): Promise<void> {
    for (const table of [
      'failed_deliveries',
      'finished_steps',
      'metadata',
      'surfaces',
      'installations',
      'partitions',
      'runners',
    ]) {
      await db.query(`DROP TABLE ${table}`);
    }
  }
}
