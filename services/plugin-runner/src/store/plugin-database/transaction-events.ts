import { randomUUID } from 'node:crypto';
import { fact } from '@verifywise/contracts';
import type { Logger, Outbox } from '@verifywise/service-kit';
import type { DataSource } from 'typeorm';
import type { TransactionEvents } from '../../capabilities/database.ts';
import { rows } from '../sql.ts';
import type { PluginConnection, PluginOwner } from './plugin-connections.ts';

const SWEEP_EVERY_MS = 2_000;
/** A runner that lives settles its own at once; older ones were left by one that died. */
const LEFT_AFTER_MS = 3_000;

export interface TransactionEventsOptions {
  db: DataSource;
  outbox: Outbox;
  /** Something stands in the outbox. */
  added: () => void;
  log: Logger;
}

interface Left {
  id: string;
  plugin_id: string;
  tenant: string;
  status: 'committed' | 'aborted' | 'in progress' | null;
}

/**
 * Events that wait for a plugin's transaction, which its own role commits and ours therefore cannot: they are written down with the
 * transaction's number before it commits, and moved to the outbox after. What a crash leaves in between PostgreSQL can tell.
 */
export class TransactionEventStore {
  readonly #options: TransactionEventsOptions;
  constructor(options: TransactionEventsOptions) {
    this.#options = options;
  }

  /** To be called in the transaction, as its last statement. */
  async write(
    client: PluginConnection['client'],
    { tenant, pluginId }: Pick<PluginOwner, 'tenant' | 'pluginId'>,
    events: TransactionEvents,
  ): Promise<string> {
    const { rows: known } = await client.query('SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text AS number');
    const id = randomUUID();
    await this.#options.db.query(
      `INSERT INTO transaction_events (id, transaction, tenant, plugin_id, events) VALUES ($1, $2::xid8, $3, $4, $5)`,
      [id, known[0]?.number, tenant, pluginId, JSON.stringify(events)],
    );
    return id;
  }

  /** The transaction has ended. Never rejects: what cannot be settled now the sweeper settles. */
  async settle(id: string, committed: boolean): Promise<void> {
    const { db, outbox, added, log } = this.#options;
    try {
      await db.transaction(async (manager) => {
        const [written] = await rows<{ events: TransactionEvents }>(
          manager,
          'DELETE FROM transaction_events WHERE id = $1 RETURNING events',
          [id],
        );
        if (!committed) return;
        for (const { fact: name, message } of written?.events ?? []) {
          await outbox.add(manager, fact<object>(name), { ...message, time: new Date(message.time) });
        }
      });
      if (committed) added();
    } catch (error) {
      log.warn({ err: error, id }, 'the events of a transaction could not be settled yet');
    }
  }

  /** Settles what a runner left that died between the two. */
  async sweep(leftAfterMs = LEFT_AFTER_MS): Promise<void> {
    const { db, log } = this.#options;
    const left = await rows<Left>(
      db,
      `SELECT id, tenant, plugin_id, pg_xact_status(transaction) AS status FROM transaction_events
        WHERE written_at < now() - make_interval(secs => $1) ORDER BY written_at LIMIT 500`,
      [leftAfterMs / 1000],
    );
    for (const { id, status, tenant, plugin_id: pluginId } of left) {
      if (status === 'in progress') continue;
      if (status === null)
        log.error(
          { tenant, pluginId, id },
          'PostgreSQL no longer knows how a transaction ended; its events are dropped',
        );
      await this.settle(id, status === 'committed');
    }
  }

  /** Sweeps every now and then, until it is closed. */
  startSweeping(): { close(): Promise<void> } {
    const { log } = this.#options;
    let sweeping = Promise.resolve();
    let idle = true;
    const timer = setInterval(() => {
      if (!idle) return;
      idle = false;
      sweeping = this.sweep()
        .catch((error: unknown) => log.warn({ err: error }, 'events of transactions could not be swept'))
        .finally(() => (idle = true));
    }, SWEEP_EVERY_MS);
    return {
      close: async () => {
        clearInterval(timer);
        await sweeping;
      },
    };
  }
}
