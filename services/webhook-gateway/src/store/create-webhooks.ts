import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateWebhooks implements MigrationInterface {
  readonly name = 'CreateWebhooks1763800000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE endpoint_tokens (
      token text PRIMARY KEY,
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      webhook text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      expires_at timestamptz
    )`);
    await runner.query(
      'CREATE UNIQUE INDEX endpoint_tokens_current ON endpoint_tokens (tenant, plugin_id, webhook) WHERE expires_at IS NULL',
    );
    await runner.query(`CREATE TABLE requests (
      request_id uuid PRIMARY KEY,
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      webhook text NOT NULL,
      delivery_id text,
      replay_of uuid,
      method text NOT NULL,
      url text NOT NULL,
      headers json NOT NULL,
      body bytea NOT NULL,
      received_at timestamptz NOT NULL DEFAULT now(),
      state text NOT NULL DEFAULT 'accepted' CHECK (state IN ('accepted', 'sent', 'finished')),
      send_at timestamptz NOT NULL,
      unanswered integer NOT NULL DEFAULT 0,
      outcome text,
      answer_status integer,
      answer_headers json,
      answer_body bytea,
      error text,
      took_ms integer,
      finished_at timestamptz
    )`);
    await runner.query(
      'CREATE UNIQUE INDEX requests_once ON requests (tenant, plugin_id, webhook, delivery_id) WHERE delivery_id IS NOT NULL',
    );
    await runner.query("CREATE INDEX requests_to_send ON requests (send_at) WHERE state <> 'finished'");
    await runner.query('CREATE INDEX requests_recent ON requests (tenant, plugin_id, received_at DESC)');
    await runner.query('CREATE INDEX requests_received_at ON requests (received_at)');
    await runner.query(`CREATE TABLE known_webhooks (
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      declared jsonb NOT NULL,
      PRIMARY KEY (tenant, plugin_id)
    )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE known_webhooks, requests, endpoint_tokens');
  }
}
