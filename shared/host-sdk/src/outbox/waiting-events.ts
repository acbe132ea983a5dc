import type { PoolClient, QueryConfig } from 'pg';
import type { HostEvent } from '../events/event.ts';
import type { Outbox } from './outbox.ts';

/** An event in the outbox. Rows go in the order of their id, which is the order in which a tenant's writes were made. */
export interface WaitingEvent extends HostEvent {
  id: string;
}

/** The relay's own connection to the outbox: one session, because LISTEN and an open transaction live as long as it does. */
export interface WaitingEvents {
  listen(): Promise<void>;
  any(): Promise<boolean>;
  /** Runs `work` in a transaction in which no other session relays; undefined when another one does now. */
  inTurn<T>(work: () => Promise<T>): Promise<T | undefined>;
  first(limit: number): Promise<WaitingEvent[]>;
  remove(ids: string[]): Promise<void>;
}

/** A connection that fell silent must not hold up the relay of a host whose database is fine. */
const STATEMENT_DEADLINE_MS = 15_000;
/** Well above what a confirm may take; below it nobody else relays after this process fell silent in the middle of a batch. */
const IDLE_IN_TURN_MS = 60_000;

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
      // A batch waits for its confirms in a transaction; the host may allow its own transactions less.
      await run(`SET idle_in_transaction_session_timeout = ${IDLE_IN_TURN_MS}`);
    },
    async any() {
      return (await run(`SELECT 1 FROM ${outbox.table} LIMIT 1`)).length > 0;
    },
    async inTurn(work) {
      await run('BEGIN');
      try {
        const turn = await run(`SELECT 1 FROM ${outbox.turn} FOR UPDATE SKIP LOCKED`);
        const done = turn.length === 0 ? undefined : await work();
        await run('COMMIT');
        return done;
      } catch (error) {
        // What failed is told, not that there is nothing left to roll back.
        await run('ROLLBACK').catch(() => undefined);
        throw error;
      }
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
