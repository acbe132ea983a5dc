import { createPluginHost } from '@verifywise/plugin-host';
import { createMetrics, jsonBody, serveHttp } from '@verifywise/service-kit';
import type { Closers, HttpServer, Logger } from '@verifywise/service-kit';
import { Router } from 'express';
import { createEntityChanges } from './changes/change-entity.ts';
import { createEntityFilters } from './changes/entity-filters.ts';
import type { DemoPlatformConfig } from './config.ts';
import { allEntities, coreModels } from './entities/all-entities.ts';
import { actionRoutes, exportReport, fileContent } from './http/action-routes.ts';
import { describeEntity } from './http/entity-descriptions.ts';
import { entityPaths, entityRoutes } from './http/entity-routes.ts';
import { pageRoutes } from './http/page-routes.ts';
import { demoToken, login, logout, sessionRoutes } from './http/session-routes.ts';
import { bearerCheck, identityOf } from './identity/bearer.ts';
import { tokenKeysIn } from './identity/token-keys.ts';
import { createTokens } from './identity/tokens.ts';
import { CORE, createCoreSchema, createPluginViews } from './store/core-schema.ts';
import { openPool } from './store/pool.ts';
import { demoTenants, seedTenant } from './store/seed.ts';

/** A small host application that does with the host SDK what the real platform does. */
export async function startDemoPlatform(
  config: DemoPlatformConfig,
  closers: Closers,
  log: Logger,
): Promise<HttpServer> {
  const keys = await tokenKeysIn(config.keysFile);
  const tokens = createTokens(keys, config.issuer);

  const pool = await openPool(config.databaseUrl, log);
  closers.addStep('database', () => pool.end());
  await createCoreSchema(pool, allEntities);
  await createPluginViews(pool, coreModels);
  for (const tenant of demoTenants) await seedTenant(pool, tenant);

  const host = closers.add(
    await createPluginHost({
      brokerUrl: config.brokerUrl,
      pool,
      schema: CORE,
      source: 'demo-platform',
      partitions: config.partitions,
      checkPayloads: true,
      platformUrl: config,
      identity: identityOf,
      log,
    }),
  );
  const filters = createEntityFilters(host, { deadlineMs: config.filterDeadlineMs });
  const changes = createEntityChanges(pool, host, filters);

  const platform = Router();
  platform.use(host.pluginRoutes());
  platform.use(pageRoutes({ tenants: demoTenants, services: servicesOf(config) }, allEntities));
  platform.use(sessionRoutes({ pool, tokens, keys, changes }));
  // Plugins see who asks, and what for; the routes see what plugins have made of it.
  platform.use(
    '/api',
    bearerCheck(tokens),
    jsonBody(),
    host.pluginMiddleware({ deadlineMs: config.middlewareDeadlineMs }),
  );
  platform.use(actionRoutes(pool, changes, filters));
  for (const entity of allEntities) platform.use(entityPaths(entity), entityRoutes(entity, pool, changes, filters));

  return closers.add(
    await serveHttp({
      name: 'demo-platform',
      host: config.host,
      port: config.port,
      log,
      routers: [platform],
      ready: {
        database: () => pool.query('SELECT 1'),
        broker: () => host.healthy,
      },
      openapi: [
        ...[demoToken, login, logout, exportReport, fileContent],
        ...allEntities.flatMap((entity) => Object.values(describeEntity(entity))),
      ],
      metrics: createMetrics('demo-platform'),
    }),
  );
}

function servicesOf(config: DemoPlatformConfig): { name: string; url: string; does: string }[] {
  return [
    { name: 'registry-cache', url: config.registryCacheUrl, does: 'the marketplace: /api/marketplace' },
    { name: 'installer', url: config.installerUrl, does: 'install, enable, update, uninstall: /api/plugins' },
    { name: 'plugin-runner', url: config.runnerUrl, does: 'runs the plugins; their routes: /api/plugins/:id/…' },
    { name: 'scheduler', url: config.schedulerUrl, does: 'jobs of plugins: /api/plugins/:id/jobs' },
    { name: 'webhook-gateway', url: config.webhookGatewayUrl, does: 'webhooks: /api/plugins/:id/webhooks/…' },
  ];
}
