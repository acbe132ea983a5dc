import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from '@verifywise/contracts';
import type { EntityManager } from 'typeorm';
import type { Logger } from '../logs/logger.ts';
import { Bell } from '../process/bell.ts';
import { within } from '../process/within.ts';
import type { Outbox, StoredMessage } from './outbox.ts';

/** Somebody who forgot to nudge waits no longer than this. */
const POLL_MS = 500;
/** A crash publishes at most so many again. */
const BATCH = 50;
/** After this long a batch begins no other fact: with the publisher's own deadline it stays below that of an idle transaction. */
const BATCH_MS = 20_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** Publishing has a deadline of its own; this is for one that does not keep it. */
const CLOSE_DEADLINE_MS = 10_000;

export interface RelayOptions {
  outbox: Outbox;
  /**
   * Resolves once the broker has confirmed; rejects when it has not, and is then called again with the same message. With TOO_LARGE or
   * BAD_REQUEST it can never be published: it is logged and removed, since every later fact of its tenant would wait behind it for ever.
   */
  publish: (factName: string, message: StoredMessage) => Promise<void>;
  log: Logger;
  pollMs?: number;
}

export interface Relay {
  /** Something was committed: look now. */
  nudge(): void;
  /** Finishes the messages in hand and stops. */
  close(): Promise<void>;
}

interface Row {
  id: string;
  message_id: string;
  fact: string;
  tenant: string | null;
  payload: unknown;
  time: Date;
  correlation_id: string | null;
  traceparent: string | null;
}

/**
 * Publishes what the outbox holds: each tenant's facts one after the other in the order of their ids, tenants side by side, one relay
 * at a time in a schema. A row goes only after the broker has confirmed it: killed in between, it is published again with the same id.
 */
export function startRelay({ outbox, publish, log, pollMs = POLL_MS }: RelayOptions): Relay {
  const { source } = outbox.database;
  const stop = new AbortController();
  const bell = new Bell();
  const isClosed = () => stop.signal.aborted;

  /** Publishes one tenant's rows in order; gives the ids that were confirmed or given up, and the error that ended it early. */
  const publishInOrder = async (rows: Row[], until: number): Promise<{ confirmed: string[]; error?: unknown }> => {
    const confirmed: string[] = [];
    for (const row of rows) {
      if (isClosed() || performance.now() > until) break;
      try {
        await publish(row.fact, messageOf(row));
      } catch (error) {
        if (!isNeverPublished(error)) return { confirmed, error };
        const { message_id: id, tenant } = row;
        log.error({ err: error, id, fact: row.fact, tenant }, 'a fact can never be published and was given up');
      }
      confirmed.push(row.id);
    }
    return { confirmed };
  };

  /** One batch, in one transaction that holds the relay's turn; true when there may be more that can be published now. */
  const publishBatch = async (manager: EntityManager, stuck: Set<string>): Promise<boolean> => {
    const turn = await manager.query<unknown[]>(
      `SELECT 1 FROM outbox_turns WHERE name = 'relay' FOR UPDATE SKIP LOCKED`,
    );
    // Another replica is at it.
    if (turn.length === 0) return false;
    // A statement of its own: only what is read after the turn was taken leaves out what the last holder removed.
    const rows = await manager.query<Row[]>(
      `SELECT * FROM outbox WHERE NOT (coalesce(tenant, '') = ANY ($1)) ORDER BY id LIMIT ${BATCH}`,
      [[...stuck]],
    );
    const until = performance.now() + BATCH_MS;
    const confirmed: string[] = [];
    const publishTenant = async ([tenant, own]: [string, Row[]]) => {
      const outcome = await publishInOrder(own, until);
      confirmed.push(...outcome.confirmed);
      if (outcome.error === undefined) return;
      // A later fact must not overtake this one, so its tenant waits for the next round; the others go on.
      stuck.add(tenant);
      const waiting = own.length - outcome.confirmed.length;
      log.warn({ err: outcome.error, tenant, waiting }, 'a fact could not be published yet');
    };
    await Promise.all([...Map.groupBy(rows, (row) => row.tenant ?? '')].map(publishTenant));
    if (confirmed.length > 0) await manager.query('DELETE FROM outbox WHERE id = ANY ($1)', [confirmed]);
    return rows.length > 0 && !isClosed();
  };

  /** Publishes until nothing is left; false when something could not be published. */
  const publishAll = async (): Promise<boolean> => {
    const [waiting] = await source.query<unknown[]>('SELECT 1 FROM outbox LIMIT 1');
    if (waiting === undefined) return true;
    const stuck = new Set<string>();
    while (await source.transaction((manager) => publishBatch(manager, stuck)));
    return stuck.size === 0;
  };

  const run = async (): Promise<void> => {
    for (let failures = 0; !isClosed();) {
      const fine = await publishAll().catch((error: unknown) => {
        log.warn({ err: error }, 'the outbox could not be worked on');
        return false;
      });
      failures = fine ? 0 : failures + 1;
      if (fine) await bell.wait(pollMs);
      // What failed a moment ago is not tried again at every nudge.
      else await pause(Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS), stop.signal);
    }
  };

  const running = run();
  return {
    nudge: () => bell.ring(),
    async close() {
      stop.abort();
      bell.ring();
      const late = () => new Error('a fact in hand was still not published');
      await within(CLOSE_DEADLINE_MS, () => running, late);
    },
  };
}

function isNeverPublished(error: unknown): boolean {
  return error instanceof PlatformError && (error.code === 'TOO_LARGE' || error.code === 'BAD_REQUEST');
}

/** Ends early, and quietly, when `signal` says so. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

function messageOf(row: Row): StoredMessage {
  return {
    id: row.message_id,
    tenant: row.tenant,
    payload: row.payload,
    time: row.time,
    ...(row.correlation_id === null ? {} : { correlationId: row.correlation_id }),
    ...(row.traceparent === null ? {} : { traceparent: row.traceparent }),
  };
}
