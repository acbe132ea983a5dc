import { setTimeout as pause } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { Log } from '../log.ts';
import type { Outbox } from './outbox.ts';
import type { PublishEvent } from './publish-in-order.ts';
import { publishInOrder } from './publish-in-order.ts';
import { Bell } from './bell.ts';
import type { WaitingEvents } from './waiting-events.ts';
import { waitingEvents } from './waiting-events.ts';

export interface Relay {
  /** Looks into the outbox now instead of at the next poll. */
  nudge(): void;
  /** Lets the batch in hand finish within the deadline, then gives up its connection. */
  close(): Promise<void>;
}

export interface RelayOptions {
  pool: Pool;
  outbox: Outbox;
  publish: PublishEvent;
  log: Log;
  /** Milliseconds between looks when no notification comes; a lost one costs at most this. */
  pollMs?: number;
}

const POLL_MS = 1000;
/** Enough to keep the channel busy while confirms are on their way, and little to repeat after a crash. */
const BATCH = 500;
/** Another process's batch takes about as long. */
const ELSEWHERE_MS = 20;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;
/** A confirm that has not come by then is taken as lost; the event stays and is published again with the same id. */
const STOP_DEADLINE_MS = 5000;
/** For removing what was confirmed at the last moment. */
const DATABASE_GRACE_MS = 2000;

/**
 * Moves events from the outbox to RabbitMQ, for as long as it is open. Of all processes of the host one at a time relays a batch of a
 * group of tenants, in a transaction that ends with its process. What was published and not yet removed when it died is published again with the
 * same event id.
 */
export function startRelay({ pool, outbox, publish, log, pollMs = POLL_MS }: RelayOptions): Relay {
  const closing = new AbortController();
  const giveUp = new AbortController();
  const bell = new Bell();
  let lastGroup = -1;

  const running = keepRelaying();
  return {
    nudge: () => bell.ring(),
    async close() {
      closing.abort();
      bell.ring();
      const confirms = setTimeout(() => giveUp.abort(), STOP_DEADLINE_MS);
      // A database that does not answer must not hold up the stop of the host.
      const atLatest = pause(STOP_DEADLINE_MS + DATABASE_GRACE_MS, undefined, { ref: false });
      await Promise.race([running, atLatest]);
      clearTimeout(confirms);
    },
  };

  async function keepRelaying(): Promise<void> {
    let failures = 0;
    while (!closing.signal.aborted) {
      try {
        await withConnection(relayWhileConnected);
        failures = 0;
      } catch (error) {
        failures += 1;
        log.warn({ err: error, failures }, 'The relay of the event outbox lost its database connection');
        await rest(pauseAfter(failures));
      }
    }
  }

  async function withConnection(use: (connection: PoolClient, lost: AbortSignal) => Promise<void>): Promise<void> {
    const connection = await pool.connect();
    const lost = new AbortController();
    const onLost = (error?: Error): void => {
      lost.abort(error ?? new Error('PostgreSQL ended the connection'));
      bell.ring();
    };
    const onNotification = (): void => bell.ring();
    connection.on('error', onLost).on('end', onLost).on('notification', onNotification);
    try {
      await use(connection, lost.signal);
    } finally {
      // Destroyed, not given back: the session listens, and may be in a transaction. So the listeners stay for its last errors.
      connection.release(true);
    }
  }

  async function relayWhileConnected(connection: PoolClient, lost: AbortSignal): Promise<void> {
    const events = waitingEvents(connection, outbox);
    await events.listen();
    let failures = 0;
    while (!closing.signal.aborted) {
      lost.throwIfAborted();
      // Silenced before looking, so that an event committed while we look is not slept through.
      bell.silence();
      const outcome = await relayBatch(events);
      failures = outcome === 'failed' ? failures + 1 : 0;
      if (outcome === 'failed') await rest(pauseAfter(failures));
      else if (outcome === 'nothing') await bell.heard(pollMs);
      else if (outcome === 'elsewhere') {
        // Others are at it, and each of their events rings here too.
        await rest(ELSEWHERE_MS);
        await bell.heard(pollMs);
      }
    }
  }

  async function relayBatch(events: WaitingEvents): Promise<'nothing' | 'elsewhere' | 'moved' | 'failed'> {
    const groups = await events.groups();
    if (groups.length === 0) return 'nothing';
    const outcome = await events.inTurn(groups, lastGroup, async (group) => {
      lastGroup = group;
      // Read once the turn is ours: what its last holder published is gone by then.
      const batch = await events.first(group, BATCH);
      const { confirmed, unpublishable, failure } = await publishInOrder(batch, publish, giveUp.signal);
      if (confirmed.length > 0) await events.remove(confirmed);
      if (unpublishable.length > 0) await events.setAside(unpublishable);
      return { waiting: batch.length - confirmed.length - unpublishable.length, unpublishable, failure };
    });
    if (outcome === undefined) return 'elsewhere';
    const { waiting, unpublishable, failure } = outcome;
    if (unpublishable.length > 0) {
      log.error({ unpublishable, table: outbox.unpublishable }, 'Events that can never be published were set aside');
    }
    if (failure === undefined) return 'moved';
    if (!closing.signal.aborted) log.warn({ err: failure, waiting }, 'Events wait in the outbox');
    return 'failed';
  }

  async function rest(ms: number): Promise<void> {
    // Only closing ends a rest early, and then the loop ends too.
    await pause(ms, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
  }
}

function pauseAfter(failures: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
}
