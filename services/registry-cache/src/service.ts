import { connectBroker } from '@verifywise/broker';
import { fact, ListInstalledPlugins, ListTenantPlugins } from '@verifywise/contracts';
import {
  bearerCheck,
  createMetrics,
  createOutbox,
  idempotencyStore,
  IdempotencyMigration,
  idempotent,
  identityCheck,
  openDatabase,
  outboxMigrations,
  secretBox,
  serveHttp,
  startRelay,
  type Closers,
  type HttpServer,
  type Logger,
} from '@verifywise/service-kit';
import type { RegistryCacheConfig } from './config.ts';
import { pluginIcons } from './fetching/plugin-icons.ts';
import { registrySource } from './fetching/registry-source.ts';
import { browseRoute } from './http/browse-route.ts';
import { marketplaceDescriptions } from './http/marketplace-descriptions.ts';
import { marketplaceRoutes } from './http/marketplace-routes.ts';
import { registryDescriptions } from './http/registry-descriptions.ts';
import { registryRoutes } from './http/registry-routes.ts';
import { installedPlugins } from './installed/installed-plugins.ts';
import { answerFindRegistryEntry } from './messages/find-registry-entry.ts';
import { answerFindRegistryToken } from './messages/find-registry-token.ts';
import { answerListRegistryVersions } from './messages/list-registry-versions.ts';
import { hearPluginChanged } from './messages/plugin-changed.ts';
import { redisIconCache } from './redis/icon-cache.ts';
import { redisListingCache } from './redis/listing-cache.ts';
import { openRedis } from './redis/open-redis.ts';
import { createCurrentCatalogue } from './registries/current-catalogue.ts';
import { createFindEntry, createListVersions } from './registries/find-entry.ts';
import { createFindToken } from './registries/find-token.ts';
import { keepFresh } from './registries/keep-fresh.ts';
import { createManageRegistries } from './registries/manage-registries.ts';
import { createRefreshRegistry } from './registries/refresh-registry.ts';
import { keepSettings } from './registries/registries-at-start.ts';
import { tokenSeal } from './registries/token-seal.ts';
import { AnnounceAndRemove } from './store/announce-and-remove.ts';
import { announcedUpdates } from './store/announced-updates.ts';
import { AuditRegistries } from './store/audit-registries.ts';
import { CreateRegistries } from './store/create-registries.ts';
import { readRegistryAudit } from './store/registry-audit.ts';
import { registryStore } from './store/registry-store.ts';
import { createAnnounceUpdates, everyTenant, type AnnounceUpdates } from './updates/announce-updates.ts';

/** A registry that is just being fetched may take so much longer than its deadline, for what else there is to do. */
const LEASE_MARGIN_MS = 15_000;
/** Who browses should not wait for an installer that hangs. */
const INSTALLER_DEADLINE_MS = 3_000;

export async function startRegistryCache(
  config: RegistryCacheConfig,
  closers: Closers,
  log: Logger,
): Promise<HttpServer> {
  const metrics = createMetrics('registry-cache');
  const database = closers.add(
    await openDatabase({
      url: config.databaseUrl,
      schema: 'registry_cache',
      entities: [],
      migrations: [CreateRegistries, AnnounceAndRemove, AuditRegistries, ...outboxMigrations, IdempotencyMigration],
      log,
    }),
  );
  const { brokerUrl, partitions, hostVersion } = config;
  const broker = closers.add(
    await connectBroker({ url: brokerUrl, source: 'registry-cache', partitions, log, metrics }),
  );
  const redis = openRedis(config.redisUrl, log);
  closers.addStep('redis', () => redis.disconnect());
  const outbox = createOutbox(database);
  const relay = startRelay({ outbox, publish: (name, message) => broker.publish(fact<unknown>(name), message), log });
  closers.add(relay);

  const tokens = tokenSeal(config.secretKeys.length === 0 ? undefined : secretBox(config.secretKeys));
  const store = registryStore(database, outbox);
  await keepSettings(store, config.registries, tokens, log);

  const cache = redisListingCache(redis, log);
  const limits = {
    deadlineMs: config.registryDeadlineMs,
    maxBytes: config.registryLimitBytes,
    leftAloneMs: config.registryLeftAloneMs,
  };
  const source = closers.add(registrySource((registry) => tokens.open(registry), limits));
  const leaseMs = config.registryDeadlineMs + LEASE_MARGIN_MS;
  const refreshRegistry = createRefreshRegistry({ store, cache, source, leaseMs });
  const current = createCurrentCatalogue({
    ...{ store, cache, refreshRegistry, hostVersion, log },
    ttlMs: config.registryTtlMs,
    changed: () => {
      relay.nudge();
      void updates.sweep();
    },
  });
  const installed = installedPlugins((tenants) =>
    broker.ask(ListInstalledPlugins, { tenant: null, payload: { tenants } }, { deadlineMs: INSTALLER_DEADLINE_MS }),
  );
  const updates: AnnounceUpdates = createAnnounceUpdates({
    ...{ current, installed, hostVersion, log },
    announced: announcedUpdates(database, outbox, () => relay.nudge()),
    allTenants: () =>
      everyTenant((after) =>
        broker.ask(ListTenantPlugins, { tenant: null, payload: after === undefined ? {} : { after } }),
      ),
  });
  closers.add(updates);
  closers.add(keepFresh({ current, updates, log }));

  const answers = await broker.answerQuestions('registry-cache', [
    answerFindRegistryEntry(createFindEntry(current)),
    answerListRegistryVersions(createListVersions(current)),
    answerFindRegistryToken(
      createFindToken({ states: () => store.states(), open: (registry) => tokens.open(registry) }),
    ),
  ]);
  closers.addStep('answers', () => answers.stop());
  const ears = await broker.subscribe('registry-cache', hearPluginChanged(installed, updates));
  closers.addStep('facts', () => ears.stop());

  const bearer = bearerCheck(config);
  const guards = { identity: identityCheck(bearer), once: idempotent(idempotencyStore(database)) };
  const icons = pluginIcons(redisIconCache(redis, log));
  const { host, port } = config;
  const registries = createManageRegistries({ store, source, current, refreshRegistry, seal: tokens.seal });
  return closers.add(
    await serveHttp({
      ...{ name: 'registry-cache', host, port, log, metrics },
      plain: browseRoute({ current, installed, hostVersion, bearer }),
      routers: [
        registryRoutes({ registries, readAudit: readRegistryAudit(database) }, guards),
        marketplaceRoutes({ current, installed, icons, hostVersion }, guards),
      ],
      ready: { database: () => database.ping(), broker: () => broker.healthy },
      openapi: [...Object.values(registryDescriptions), ...Object.values(marketplaceDescriptions)],
    }),
  );
}
