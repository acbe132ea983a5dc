import { connectBroker } from '@verifywise/broker';
import { fact } from '@verifywise/contracts';
import {
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
import { createManageRegistries, newRegistry } from './registries/manage-registries.ts';
import { createRefreshRegistry } from './registries/refresh-registry.ts';
import { tokenSeal } from './registries/token-seal.ts';
import { CreateRegistries } from './store/create-registries.ts';
import { registryStore } from './store/registry-store.ts';
import { RegistryTable } from './store/registry-table.ts';

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
      entities: [RegistryTable],
      migrations: [CreateRegistries, ...outboxMigrations, IdempotencyMigration],
      log,
    }),
  );
  const { brokerUrl, partitions } = config;
  const broker = closers.add(
    await connectBroker({ url: brokerUrl, source: 'registry-cache', partitions, log, metrics }),
  );
  const redis = openRedis(config.redisUrl, log);
  closers.addStep('redis', () => redis.disconnect());
  const outbox = createOutbox(database);
  closers.add(startRelay({ outbox, publish: (name, message) => broker.publish(fact<unknown>(name), message), log }));

  const tokens = tokenSeal(config.secretKeys.length === 0 ? undefined : secretBox(config.secretKeys));
  const store = registryStore(database, outbox);
  await store.keepSettings(config.registries.map((request) => newRegistry(request, tokens.seal)));

  const cache = redisListingCache(redis, log);
  const source = closers.add(registrySource(tokens.open));
  const refreshRegistry = createRefreshRegistry({ store, cache, source });
  const current = createCurrentCatalogue({ store, cache, refreshRegistry, ttlMs: config.registryTtlMs, log });
  closers.add(keepFresh(current, log));
  const installed = installedPlugins(broker);

  const answers = await broker.answerQuestions('registry-cache', [
    answerFindRegistryEntry(createFindEntry(current)),
    answerListRegistryVersions(createListVersions(current)),
    answerFindRegistryToken(createFindToken({ states: () => store.states(), open: tokens.open })),
  ]);
  closers.addStep('answers', () => answers.stop());
  const ears = await broker.subscribe('registry-cache', hearPluginChanged(installed));
  closers.addStep('facts', () => ears.stop());

  const guards = { identity: identityCheck(config), once: idempotent(idempotencyStore(database)) };
  const icons = pluginIcons(redisIconCache(redis, log));
  const { host, port, hostVersion } = config;
  return closers.add(
    await serveHttp({
      ...{ name: 'registry-cache', host, port, log, metrics },
      routers: [
        registryRoutes(createManageRegistries({ store, source, current, refreshRegistry, seal: tokens.seal }), guards),
        marketplaceRoutes({ current, installed, icons, hostVersion }, guards),
      ],
      ready: { database: () => database.ping(), broker: () => broker.healthy },
      openapi: [...Object.values(registryDescriptions), ...Object.values(marketplaceDescriptions)],
    }),
  );
}
