import { PlatformError } from '@verifywise/contracts';
import type { HostEvent } from '../events/event.ts';

/** Runs one statement with `$1`, `$2`, … in the host's transaction. */
export type Query = (sql: string, params: unknown[]) => Promise<unknown>;

/** The host's open transaction: a `pg` client, a TypeORM query runner or manager, or a function that runs a statement in it. */
export type Transaction = Query | { query: Query };

/** Where events wait in the host's own database until RabbitMQ has confirmed them. */
export interface Outbox {
  /** `<schema>.plugin_event_outbox`, quoted for SQL. */
  readonly table: string;
  /** What LISTEN hears when an event was committed. */
  readonly channel: string;
  /** One row, locked by the process that relays: an advisory lock could be taken by any login of the database. */
  readonly turn: string;
  add(transaction: Transaction, event: HostEvent): Promise<void>;
}

const SCHEMA = /^[a-z_][a-z0-9_]{0,62}$/;

export function outboxIn(schema: string): Outbox {
  if (!SCHEMA.test(schema)) {
    throw new PlatformError(
      'BAD_REQUEST',
      `"${schema}" is no schema name for the outbox: lower-case letters, digits and _`,
    );
  }
  const table = `"${schema}".plugin_event_outbox`;
  const channel = 'plugin_event_outbox';
  // NOTIFY takes effect when the transaction commits, in the same round trip as the row itself.
  const insert = `WITH added AS (
      INSERT INTO ${table} (event_id, tenant, event, payload, correlation_id, traceparent, emitted_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id
    ) SELECT pg_notify('${channel}', '') FROM added`;
  return {
    table,
    channel,
    turn: `"${schema}".plugin_event_relay`,
    async add(transaction, event) {
      const query: Query =
        typeof transaction === 'function' ? transaction : (sql, params) => transaction.query(sql, params);
      await query(insert, [
        event.eventId,
        event.tenant,
        event.event,
        event.payload,
        event.correlationId ?? null,
        event.traceparent ?? null,
        event.emittedAt.toISOString(),
      ]);
    },
  };
}

/** The outbox's tables, for hosts that keep their migrations themselves (`createTable: false`). May be run again and again. */
export function outboxSql(schema = 'public'): string {
  const { table, turn } = outboxIn(schema);
  return `CREATE TABLE IF NOT EXISTS ${table} (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL,
  tenant text NOT NULL,
  event text NOT NULL,
  payload text NOT NULL,
  correlation_id text,
  traceparent text,
  emitted_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS ${turn} (id boolean PRIMARY KEY DEFAULT true CHECK (id));
INSERT INTO ${turn} DEFAULT VALUES ON CONFLICT DO NOTHING`;
}
