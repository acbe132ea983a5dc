import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Fires are sent in lanes, one for each plugin of each tenant, by a clock of the database's own. */
export class FiresInLanes implements MigrationInterface {
  readonly name = 'FiresInLanes1763800000002';

  async up(runner: QueryRunner): Promise<void> {
    // Stable, so that it is asked once in a statement and indexes serve it.
    await runner.query(
      'CREATE FUNCTION clock_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT clock_timestamp() $$',
    );
    await runner.query(
      'CREATE TABLE clock (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), latest timestamptz NOT NULL)',
    );
    await runner.query('INSERT INTO clock (latest) VALUES (clock_now())');
    await runner.query(`ALTER TABLE schedules
      ADD COLUMN by_hand integer NOT NULL DEFAULT 0,
      ADD COLUMN attempts integer NOT NULL DEFAULT 0`);
    await runner.query(`ALTER TABLE fires
      ADD COLUMN plugin_id text,
      ADD COLUMN priority integer NOT NULL DEFAULT 0,
      ADD COLUMN may_overlap boolean NOT NULL DEFAULT false,
      ADD COLUMN by_hand boolean NOT NULL DEFAULT false,
      ADD COLUMN handler_waits integer NOT NULL DEFAULT 0,
      ADD COLUMN wait_ms bigint`);
    await runner.query('UPDATE fires SET plugin_id = s.plugin_id FROM schedules s WHERE s.id = schedule_id');
    await runner.query('ALTER TABLE fires ALTER COLUMN plugin_id SET NOT NULL');
    await runner.query('ALTER TABLE fires DROP CONSTRAINT fires_state_check');
    await runner.query("ALTER TABLE fires ADD CHECK (state IN ('due', 'sending', 'sent', 'failed', 'done', 'dead'))");
    await runner.query('DROP INDEX fires_to_send, fires_unfinished');
    await runner.query(
      "CREATE INDEX fires_waiting ON fires (tenant, plugin_id, priority, send_at) WHERE state IN ('due', 'failed')",
    );
    await runner.query("CREATE INDEX fires_under_way ON fires (tenant, plugin_id) WHERE state IN ('sending', 'sent')");
    await runner.query("CREATE INDEX fires_waiting_until ON fires (send_at) WHERE state IN ('due', 'failed')");
    await runner.query("CREATE INDEX fires_under_way_until ON fires (send_at) WHERE state IN ('sending', 'sent')");
    await runner.query(
      "CREATE INDEX fires_unfinished ON fires (schedule_id, slot) WHERE state IN ('due', 'sending', 'sent', 'failed')",
    );
    await runner.query(
      'CREATE INDEX schedules_due_of_tenant ON schedules (tenant, next_due) WHERE next_due IS NOT NULL AND NOT paused AND NOT plugin_disabled',
    );
    await runner.query(`ALTER TABLE plugin_states
      ADD COLUMN generation bigint NOT NULL DEFAULT 0,
      ADD COLUMN served_at timestamptz NOT NULL DEFAULT '-infinity'`);
    await runner.query(`INSERT INTO plugin_states (tenant, plugin_id, enabled, changed_at)
      SELECT DISTINCT tenant, plugin_id, true, '-infinity'::timestamptz FROM schedules ON CONFLICT DO NOTHING`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP INDEX fires_waiting, fires_under_way, fires_waiting_until, fires_under_way_until, fires_unfinished, schedules_due_of_tenant',
    );
    await runner.query("UPDATE fires SET state = 'due' WHERE state = 'sending'");
    await runner.query('ALTER TABLE fires DROP CONSTRAINT fires_state_check');
    await runner.query("ALTER TABLE fires ADD CHECK (state IN ('due', 'sent', 'failed', 'done', 'dead'))");
    await runner.query("CREATE INDEX fires_to_send ON fires (send_at) WHERE state IN ('due', 'sent', 'failed')");
    await runner.query("CREATE INDEX fires_unfinished ON fires (schedule_id) WHERE state IN ('due', 'sent', 'failed')");
    await runner.query(`ALTER TABLE fires DROP COLUMN plugin_id, DROP COLUMN priority, DROP COLUMN may_overlap,
      DROP COLUMN by_hand, DROP COLUMN handler_waits, DROP COLUMN wait_ms`);
    await runner.query('ALTER TABLE schedules DROP COLUMN by_hand, DROP COLUMN attempts');
    await runner.query('ALTER TABLE plugin_states DROP COLUMN generation, DROP COLUMN served_at');
    await runner.query('DROP TABLE clock');
    await runner.query('DROP FUNCTION clock_now()');
  }
}
