import { PlatformError, partitionOf } from '@verifywise/contracts';
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
  /** A row for each group of tenants, locked by who relays its events: an advisory lock could be taken by any login of the database. */
  readonly groups: string;
  /** Events that can never be published, with the reason; they are kept for people to look at. */
  readonly unpublishable: string;
  add(transaction: Transaction, event: HostEvent): Promise<void>;
}

/**
 * Tenants are spread over so many groups. One process at a time relays a group, so a tenant's events keep their order, and several
 * processes share the work. The same for every process of a host, and for the life of its outbox.
 */
const RELAY_GROUPS = 8;

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
      INSERT INTO ${table} (event_id, tenant, relay_group, event, payload, correlation_id, traceparent, emitted_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id
    ) SELECT pg_notify('${channel}', '') FROM added`;
  return {
    table,
    channel,
    groups: `"${schema}".plugin_event_relay_groups`,
    unpublishable: `"${schema}".plugin_event_unpublishable`,
    async add(transaction, event) {
      const query: Query =
        typeof transaction === 'function' ? transaction : (sql, params) => transaction.query(sql, params);
      await query(insert, [
        event.eventId,
        event.tenant,
        partitionOf(event.tenant, RELAY_GROUPS),
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
  const { table, groups, unpublishable } = outboxIn(schema);
  const columns = `event_id uuid NOT NULL,
  tenant text NOT NULL,
  event text NOT NULL,
  payload text NOT NULL,
  correlation_id text,
  traceparent text,
  emitted_at timestamptz NOT NULL`;
  return `CREATE TABLE IF NOT EXISTS ${table} (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ${columns}
);
ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS relay_group smallint NOT NULL DEFAULT 0;
CREATE INDEX IF NOT EXISTS plugin_event_outbox_in_order ON ${table} (relay_group, id);
CREATE TABLE IF NOT EXISTS ${unpublishable} (
  id bigint PRIMARY KEY,
  ${columns},
  reason text NOT NULL,
  set_aside_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS ${groups} (relay_group smallint PRIMARY KEY);
INSERT INTO ${groups} SELECT generate_series(0, ${RELAY_GROUPS - 1}) ON CONFLICT DO NOTHING`;
}
