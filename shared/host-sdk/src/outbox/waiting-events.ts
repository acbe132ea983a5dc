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
  /** The groups in which events wait. */
  groups(): Promise<number[]>;
  /**
   * Runs `work` for one of the groups, in a transaction in which no other session relays it; undefined when others have all of them now.
   * `last` is the group that had its turn before.
   */
  inTurn<T>(groups: number[], last: number, work: (group: number) => Promise<T>): Promise<T | undefined>;
  first(group: number, limit: number): Promise<WaitingEvent[]>;
  remove(ids: string[]): Promise<void>;
  setAside(events: readonly { id: string; reason: string }[]): Promise<void>;
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
    async groups() {
      const found = await run<{ group: number }>(
        `SELECT relay_group AS group FROM ${outbox.groups} AS one
         WHERE EXISTS (SELECT 1 FROM ${outbox.table} AS waiting WHERE waiting.relay_group = one.relay_group)`,
      );
      return found.map(({ group }) => group);
    },
    async inTurn(groups, last, work) {
      await run('BEGIN');
      try {
        const [turn] = await run<{ group: number }>(
          `SELECT relay_group AS group FROM ${outbox.groups} WHERE relay_group = ANY($1::smallint[])
           ORDER BY relay_group <= $2, relay_group LIMIT 1 FOR UPDATE SKIP LOCKED`,
          [groups, last],
        );
        const done = turn === undefined ? undefined : await work(turn.group);
        await run('COMMIT');
        return done;
      } catch (error) {
        // What failed is told, not that there is nothing left to roll back.
        await run('ROLLBACK').catch(() => undefined);
        throw error;
      }
    },
    async first(group, limit) {
      const rows = await run<Row>(`SELECT * FROM ${outbox.table} WHERE relay_group = $1 ORDER BY id LIMIT $2`, [
        group,
        limit,
      ]);
      return rows.map(waitingEvent);
    },
    async remove(ids) {
      await run(`DELETE FROM ${outbox.table} WHERE id = ANY($1::bigint[])`, [ids]);
    },
    async setAside(events) {
      const columns = 'id, event_id, tenant, event, payload, correlation_id, traceparent, emitted_at';
      await run(
        `WITH refused AS (SELECT * FROM unnest($1::bigint[], $2::text[]) AS one (id, reason)),
              gone AS (DELETE FROM ${outbox.table} WHERE id = ANY($1::bigint[]) RETURNING ${columns})
         INSERT INTO ${outbox.unpublishable} (${columns}, reason) SELECT gone.*, refused.reason FROM gone JOIN refused USING (id)`,
        [events.map(({ id }) => id), events.map(({ reason }) => reason)],
      );
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
