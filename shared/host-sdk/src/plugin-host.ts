import pg from 'pg';
import { PlatformError } from '@verifywise/contracts';
import { createBrokerLink } from './broker-link.ts';
import type { PayloadOf } from './events/emitted-payload.ts';
import { makeEvent } from './events/event.ts';
import { publishEvent } from './events/publish-event.ts';
import type { Log } from './log.ts';
import { quietLog } from './log.ts';
import { createOutboxTable } from './outbox/outbox-table.ts';
import type { Transaction } from './outbox/outbox.ts';
import { outboxIn } from './outbox/outbox.ts';
import { startRelay } from './outbox/relay.ts';

export interface PluginHostOptions {
  /** RabbitMQ of the plugin platform: `amqp://…`. */
  brokerUrl: string;
  /** The host's own database, which gets the outbox tables: its `pg` pool (the relay keeps one connection of it) … */
  pool?: pg.Pool;
  /** … or its address, for hosts that use something else than `pg`. Not through a pooler in transaction mode. */
  databaseUrl?: string;
  /** Where the outbox tables are; default `public`. */
  schema?: string;
  /** False when the host's migrations make the tables (`outboxSql`); default true. */
  createTable?: boolean;
  /** Name of this host in logs and in the events' `source`; default `host`. */
  source?: string;
  /** Partitions of the platform's broker; must be what its services say (PARTITIONS). */
  partitions?: number;
  /** Whether payloads are checked field by field; default: unless NODE_ENV is `production`. */
  checkPayloads?: boolean;
  log?: Log;
}

export interface EmitOptions {
  correlationId?: string;
  /** W3C trace context of the request. */
  traceparent?: string;
}

export interface PluginHost {
  /**
   * Tells the plugins of `payload.tenant` that something happened. With `transaction`, the event is stored in that
   * transaction and goes out when, and only when, it commits; without, it is stored at once. Call it after the write it
   * tells of: then events about the same row go out in the order of its changes. Resolves once it is stored, with the
   * id that every delivery of it carries. Throws EVENT_INVALID.
   */
  emit<Name extends string>(
    event: Name,
    payload: PayloadOf<NoInfer<Name>>,
    options?: EmitOptions & { transaction?: Transaction },
  ): Promise<{ eventId: string }>;
  /** Publishes without the outbox. Resolves once RabbitMQ has confirmed; rejects BROKER_UNAVAILABLE or PUBLISH_TIMED_OUT. */
  emitNow<Name extends string>(
    event: Name,
    payload: PayloadOf<NoInfer<Name>>,
    options?: EmitOptions,
  ): Promise<{ eventId: string }>;
  /** False while RabbitMQ cannot be reached; `emit` works all the same. */
  readonly healthy: boolean;
  /** How many events wait in the outbox. */
  backlog(): Promise<number>;
  /** Stops the relay and the connections; what waits in the outbox goes out when the host is started again. */
  close(): Promise<void>;
}

/** The SDK's own pool serves one relay and a few emits without a transaction. */
const OWN_POOL_SIZE = 4;

/**
 * The host's side of the plugin platform. Resolves once the outbox tables are there; RabbitMQ is connected in the
 * background, because a host must start, and its users work, also while the broker is away.
 */
export async function createPluginHost(options: PluginHostOptions): Promise<PluginHost> {
  const { source = 'host', log = quietLog } = options;
  const checked = options.checkPayloads ?? process.env['NODE_ENV'] !== 'production';
  const { pool, closePool } = openPool(options);
  const outbox = outboxIn(options.schema ?? 'public');
  if (options.createTable ?? true) await createOutboxTable(pool, options.schema ?? 'public').catch(closeAndThrow);

  const link = createBrokerLink({
    url: options.brokerUrl,
    source,
    log,
    ...(options.partitions === undefined ? {} : { partitions: options.partitions }),
  });
  const relay = startRelay({
    pool,
    outbox,
    publish: async (event, signal) => publishEvent(link.broker(), event, signal),
    log,
  });

  return {
    async emit(name, payload, { transaction = pool, ...rest } = {}) {
      const event = makeEvent(name, payload, { source, checked, ...rest });
      await outbox.add(transaction, event);
      return { eventId: event.eventId };
    },
    async emitNow(name, payload, rest = {}) {
      const event = makeEvent(name, payload, { source, checked, ...rest });
      await publishEvent(link.broker(), event);
      return { eventId: event.eventId };
    },
    get healthy() {
      return link.healthy;
    },
    async backlog() {
      const { rows } = await pool.query<{ waiting: string }>(`SELECT count(*) AS waiting FROM ${outbox.table}`);
      return Number(rows[0]?.waiting ?? 0);
    },
    async close() {
      await relay.close();
      await link.close();
      await closePool();
    },
  };

  async function closeAndThrow(error: unknown): Promise<never> {
    await closePool();
    throw error;
  }
}

function openPool({ pool, databaseUrl, log = quietLog }: PluginHostOptions): {
  pool: pg.Pool;
  closePool: () => Promise<void>;
} {
  if (pool !== undefined) return { pool, closePool: () => Promise.resolve() };
  if (databaseUrl === undefined) {
    throw new PlatformError(
      'BAD_REQUEST',
      'createPluginHost needs `pool` or `databaseUrl`: the database for its outbox',
    );
  }
  const own = new pg.Pool({ connectionString: databaseUrl, max: OWN_POOL_SIZE, keepAlive: true });
  own.on('error', (error) => log.warn({ err: error }, 'An idle connection to the host database ended'));
  return { pool: own, closePool: () => own.end() };
}
