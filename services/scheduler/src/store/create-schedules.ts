import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateSchedules implements MigrationInterface {
  readonly name = 'CreateSchedules1763800000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE schedules (
      id uuid PRIMARY KEY,
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      name text NOT NULL,
      timing jsonb NOT NULL,
      data jsonb,
      generation integer NOT NULL,
      first_due timestamptz NOT NULL,
      next_due timestamptz,
      paused boolean NOT NULL DEFAULT false,
      plugin_disabled boolean NOT NULL DEFAULT false,
      fired integer NOT NULL DEFAULT 0,
      skipped integer NOT NULL DEFAULT 0,
      last_run timestamptz,
      last_outcome text,
      last_error text,
      ended_at timestamptz,
      UNIQUE (tenant, plugin_id, name)
    )`);
    await runner.query(
      'CREATE INDEX schedules_due ON schedules (next_due) WHERE next_due IS NOT NULL AND NOT paused AND NOT plugin_disabled',
    );
    await runner.query(`CREATE TABLE fires (
      id uuid PRIMARY KEY,
      tenant text NOT NULL,
      schedule_id uuid NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
      generation integer NOT NULL,
      slot timestamptz NOT NULL,
      state text NOT NULL CHECK (state IN ('due', 'sent', 'failed', 'done', 'dead')),
      attempt integer NOT NULL DEFAULT 0,
      waits integer NOT NULL DEFAULT 0,
      unanswered integer NOT NULL DEFAULT 0,
      send_at timestamptz NOT NULL,
      outcome text,
      error text,
      took_ms integer,
      finished_at timestamptz,
      UNIQUE (schedule_id, generation, slot)
    )`);
    await runner.query("CREATE INDEX fires_to_send ON fires (send_at) WHERE state IN ('due', 'sent', 'failed')");
    await runner.query("CREATE INDEX fires_unfinished ON fires (schedule_id) WHERE state IN ('due', 'sent', 'failed')");
    await runner.query('CREATE INDEX fires_finished ON fires (finished_at) WHERE finished_at IS NOT NULL');
    await runner.query(`CREATE TABLE plugin_states (
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      enabled boolean NOT NULL,
      changed_at timestamptz NOT NULL,
      PRIMARY KEY (tenant, plugin_id)
    )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE plugin_states, fires, schedules');
  }
}
