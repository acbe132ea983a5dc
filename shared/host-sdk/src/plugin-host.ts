import pg from 'pg';
import { ListSurfaces, PlatformError } from '@verifywise/contracts';
import { createTenantAsking } from './asking/tenant-asking.ts';
import { createBrokerLink } from './broker-link.ts';
import type { PayloadOf } from './events/emitted-payload.ts';
import { makeEvent } from './events/event.ts';
import { publishEvent } from './events/publish-event.ts';
import type { ApplyFilters } from './filters/apply-filters.ts';
import { createApplyFilters } from './filters/apply-filters.ts';
import type { Log } from './log.ts';
import { quietLog } from './log.ts';
import type { HostIdentity, HostIncoming } from './middleware/host-exchange.ts';
import type { PluginMiddleware, PluginMiddlewareOptions } from './middleware/plugin-middleware.ts';
import { createPluginMiddleware } from './middleware/plugin-middleware.ts';
import { createOutboxTable } from './outbox/outbox-table.ts';
import type { Query, Transaction } from './outbox/outbox.ts';
import { outboxIn } from './outbox/outbox.ts';
import { startRelay } from './outbox/relay.ts';
import type { ForwardingOptions, PlatformUrls, PluginRoutes } from './routes/plugin-routes.ts';
import { pluginRoutes } from './routes/plugin-routes.ts';
import { surfaceFacts } from './surfaces/surface-facts.ts';
import { offerOf } from './surfaces/tenant-offer.ts';
import { TenantOffers } from './surfaces/tenant-offers.ts';

export interface PluginHostOptions {
  /** RabbitMQ of the plugin platform: `amqp://…`. */
  brokerUrl: string;
  /** The host's own database, which gets the outbox tables: its `pg` pool (the relay keeps one connection of it) … */
  pool?: pg.Pool;
  /** … or its address, for hosts that use something else than `pg`. Not through a pooler in transaction mode. */
  databaseUrl?: string;
  /** Runs the statement of an `emit` that names no transaction, on the host's own connections; default: on `pool`, or the SDK's own. */
  query?: Query;
  /** Where the outbox tables are; default `public`. */
  schema?: string;
  /** False when the host's migrations make the tables (`outboxSql`); default true. */
  createTable?: boolean;
  /**
   * Who makes a request, as your authentication has found out; undefined for nobody. Needed by `pluginMiddleware`, which lets requests of
   * nobody pass without asking plugins.
   */
  identity?(req: HostIncoming): HostIdentity | undefined;
  /** Where the platform's services are, for `pluginRoutes`: one address when a gateway of theirs knows their paths. */
  platformUrl?: string | Exclude<PlatformUrls, { platformUrl: string }>;
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
  /**
   * Express middleware, 4 or 5, that takes requests through the middleware of the tenant's plugins (S:23): before the routes mounted
   * after it, and after them. Mount it behind authentication and body parsers. A request whose tenant has no plugin for its path goes on
   * at once, and nothing is sent for it.
   */
  pluginMiddleware(options?: PluginMiddlewareOptions): PluginMiddleware;
  /** `pluginRoutes()` with the addresses that `createPluginHost` was given. */
  pluginRoutes(options?: Omit<ForwardingOptions, 'log'>): PluginRoutes;
  /**
   * The data after every handler that the tenant's plugins have for this filter (contract §1). Resolves at once with the data itself when
   * none has, and with the data unchanged, saying so in the log, when plugins could not be asked in time. Throws FILTER_INVALID.
   */
  readonly applyFilters: ApplyFilters;
  /** False while RabbitMQ cannot be reached; `emit` works all the same. */
  readonly healthy: boolean;
  /** How many events wait in the outbox. */
  backlog(): Promise<number>;
  /** Stops the relay and the connections; what waits in the outbox goes out when the host is started again. */
  close(): Promise<void>;
}

/** Any runner answers from the shared table. */
const SURFACES_DEADLINE_MS = 2_000;
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

  const offers = new TenantOffers({
    log,
    async ask(tenant) {
      const found = await askForSurfaces(ListSurfaces, { tenant, payload: {} }, SURFACES_DEADLINE_MS);
      return offerOf(found.map(({ surface }) => surface));
    },
  });
  const link = createBrokerLink({
    url: options.brokerUrl,
    source,
    log,
    connected: (broker) => broker.overhear(surfaceFacts(offers), () => offers.outdateAll()),
    ...(options.partitions === undefined ? {} : { partitions: options.partitions }),
  });
  const relay = startRelay({
    pool,
    outbox,
    publish: async (event, signal) => publishEvent(link.connected(), event, signal),
    log,
  });

  // A circuit each: one that is slow to answer about requests may be quick to answer about data.
  const askForSurfaces = createTenantAsking(link, log);
  const ask = createTenantAsking(link, log);

  return {
    pluginMiddleware(given) {
      if (options.identity === undefined) {
        throw missing('pluginMiddleware', '`identity`: it tells whose request it is');
      }
      return createPluginMiddleware({ identity: (req) => options.identity?.(req), offers, ask, log }, given);
    },
    pluginRoutes(given) {
      const { platformUrl } = options;
      if (platformUrl === undefined) throw missing('pluginRoutes', '`platformUrl`: where the services are');
      const urls = typeof platformUrl === 'string' ? { platformUrl } : platformUrl;
      return pluginRoutes({ ...urls, ...given, log });
    },
    applyFilters: createApplyFilters(offers, createTenantAsking(link, log), log),
    async emit(name, payload, { transaction = options.query ?? pool, ...rest } = {}) {
      const event = makeEvent(name, payload, { source, checked, ...rest });
      await outbox.add(transaction, event);
      return { eventId: event.eventId };
    },
    async emitNow(name, payload, rest = {}) {
      const event = makeEvent(name, payload, { source, checked, ...rest });
      await publishEvent(link.connected(), event);
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

function missing(what: string, option: string): PlatformError {
  return new PlatformError('BAD_REQUEST', `${what} needs an option of createPluginHost, ${option}`);
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
