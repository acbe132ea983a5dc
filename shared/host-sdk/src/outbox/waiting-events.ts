import type { PoolClient, QueryConfig } from 'pg';
import type { HostEvent } from '../events/event.ts';
import type { Outbox } from './outbox.ts';

/** An event in the outbox. Rows go in the order of their id, which is the order in which a tenant's writes were made. */
export interface WaitingEvent extends HostEvent {
  id: string;
}

/** The relay's own connection to the outbox: one session, because the lock and LISTEN live as long as it does. */
export interface WaitingEvents {
  listen(): Promise<void>;
  /** True when this session is now the one that relays. */
  lead(): Promise<boolean>;
  first(limit: number): Promise<WaitingEvent[]>;
  remove(ids: string[]): Promise<void>;
}

/** A connection that fell silent must not hold up the relay of a host whose database is fine. */
const STATEMENT_DEADLINE_MS = 15_000;

interface Row {
  id: string;
  event_id: string;
  tenant: string;
  event: string;
  payload: string;
  correlation_id: string | null;
  traceparent: string | null;
  emitted_at: Date;
}

export function waitingEvents(connection: PoolClient, outbox: Outbox): WaitingEvents {
  const run = async <R extends object>(text: string, values: unknown[] = []): Promise<R[]> => {
    const statement: QueryConfig & { query_timeout: number } = { text, values, query_timeout: STATEMENT_DEADLINE_MS };
    return (await connection.query<R>(statement)).rows;
  };
  return {
    async listen() {
      await run(`LISTEN ${outbox.channel}`);
    },
    async lead() {
      const [row] = await run<{ leads: boolean }>(`SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS leads`, [
        outbox.lock,
      ]);
      return row?.leads === true;
    },
    async first(limit) {
      const rows = await run<Row>(`SELECT * FROM ${outbox.table} ORDER BY id LIMIT $1`, [limit]);
      return rows.map(waitingEvent);
    },
    async remove(ids) {
      await run(`DELETE FROM ${outbox.table} WHERE id = ANY($1::bigint[])`, [ids]);
    },
  };
}

function waitingEvent(row: Row): WaitingEvent {
  return {
    id: row.id,
    eventId: row.event_id,
    event: row.event,
    tenant: row.tenant,
    payload: row.payload,
    emittedAt: row.emitted_at,
    ...(row.correlation_id === null ? {} : { correlationId: row.correlation_id }),
    ...(row.traceparent === null ? {} : { traceparent: row.traceparent }),
  };
}
