import type { MigrationInterface, QueryRunner } from 'typeorm';
import { makeDays } from './keep-days.ts';

const KEPT_DAYS = 7;
const KEPT_COLUMNS = [
  ...['request_id', 'tenant', 'plugin_id', 'webhook', 'delivery_id', 'replay_of', 'method', 'url', 'headers', 'body'],
  ...['received_at', 'state', 'send_at', 'unanswered', 'outcome', 'answer_status', 'answer_headers', 'answer_body'],
  ...['error', 'took_ms', 'finished_at'],
].join(', ');

/** Requests by day, large bodies in pieces beside them, and what admins say of their webhooks. */
export class KeepRequestsByDay implements MigrationInterface {
  readonly name = 'KeepRequestsByDay1764300000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE requests RENAME TO requests_before');
    for (const index of ['requests_once', 'requests_to_send', 'requests_recent', 'requests_received_at'])
      await runner.query(`DROP INDEX ${index}`);
    await runner.query(`CREATE TABLE requests (
      request_id uuid NOT NULL,
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      webhook text NOT NULL,
      delivery_id text,
      replay_of uuid,
      method text NOT NULL,
      url text NOT NULL,
      headers json NOT NULL,
      body bytea,
      body_bytes integer NOT NULL,
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
      finished_at timestamptz,
      PRIMARY KEY (request_id, received_at)
    ) PARTITION BY RANGE (received_at)`);
    await runner.query(
      "CREATE INDEX requests_to_send ON requests (tenant, plugin_id, send_at) WHERE state <> 'finished'",
    );
    await runner.query('CREATE INDEX requests_recent ON requests (tenant, plugin_id, received_at DESC)');
    await runner.query(`CREATE TABLE body_chunks (
      request_id uuid NOT NULL,
      position integer NOT NULL,
      stored_at timestamptz NOT NULL DEFAULT now(),
      bytes bytea NOT NULL,
      PRIMARY KEY (request_id, position, stored_at)
    ) PARTITION BY RANGE (stored_at)`);
    await makeDays(runner, KEPT_DAYS);
    // Unique over all days, which no index of a partitioned table can be.
    await runner.query(`CREATE TABLE delivery_ids (
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      webhook text NOT NULL,
      delivery_id text NOT NULL,
      request_id uuid NOT NULL,
      named_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, plugin_id, webhook, delivery_id)
    )`);
    await runner.query('CREATE INDEX delivery_ids_named_at ON delivery_ids (named_at)');
    await takeOver(runner);
    await runner.query(`CREATE TABLE webhook_settings (
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      webhook text NOT NULL,
      verify jsonb,
      PRIMARY KEY (tenant, plugin_id, webhook)
    )`);
    await runner.query(`CREATE TABLE sender_accounts (
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      webhook text NOT NULL,
      account text NOT NULL,
      claimed_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (plugin_id, webhook, account, tenant)
    )`);
    await runner.query(`CREATE TABLE rate_limits (
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      per_minute integer NOT NULL CHECK (per_minute > 0),
      PRIMARY KEY (tenant, plugin_id)
    )`);
    await runner.query(`CREATE TABLE throttles (
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      next_at timestamptz NOT NULL,
      PRIMARY KEY (tenant, plugin_id)
    )`);
    await runner.query(`CREATE TABLE known_secrets (
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      webhook text NOT NULL,
      sealed jsonb NOT NULL,
      PRIMARY KEY (tenant, plugin_id, webhook)
    )`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Days that were dropped do not come back, so there is no way back to one table'));
  }
}

async function takeOver(runner: QueryRunner): Promise<void> {
  const recent = `received_at >= (now() AT TIME ZONE 'UTC')::date AT TIME ZONE 'UTC' - interval '${KEPT_DAYS} days'`;
  await runner.query(
    `INSERT INTO requests (${KEPT_COLUMNS}, body_bytes)
     SELECT ${KEPT_COLUMNS}, octet_length(body) FROM requests_before WHERE ${recent}`,
  );
  await runner.query(
    `INSERT INTO delivery_ids (tenant, plugin_id, webhook, delivery_id, request_id, named_at)
     SELECT tenant, plugin_id, webhook, delivery_id, request_id, received_at FROM requests WHERE delivery_id IS NOT NULL`,
  );
  await runner.query('DROP TABLE requests_before');
}
