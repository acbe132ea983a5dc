import { connectBroker } from '@verifywise/broker';
import { FindSurface, ListInstalledPlugins } from '@verifywise/contracts';
import {
  createAssertInstalled,
  createMetrics,
  idempotencyStore,
  IdempotencyMigration,
  idempotent,
  identityCheck,
  OneAtATime,
  openDatabase,
  serveHttp,
  type Closers,
  type HttpServer,
  type Logger,
} from '@verifywise/service-kit';
import type { WebhookGatewayConfig } from './config.ts';
import { intakeRoutes } from './http/intake-routes.ts';
import { intakeRoutesDescribed, webhookRoutesDescribed } from './http/openapi.ts';
import { webhookRoutes } from './http/webhook-routes.ts';
import { createAcceptWebhook, isDeclared } from './intake/accept-webhook.ts';
import { createConcludeRequest } from './intake/conclude-request.ts';
import { createDeliver, createSendWaiting } from './intake/deliver.ts';
import { createFindEndpoint } from './intake/endpoint.ts';
import { createManageWebhooks } from './intake/manage-webhooks.ts';
import { Surfaces } from './intake/surfaces.ts';
import { startSweep } from './intake/sweep.ts';
import { hearPluginUninstalled } from './messages/plugin-uninstalled.ts';
import { hearWebhookFinished } from './messages/webhook-finished.ts';
import { openRateLimit } from './redis/rate-limit.ts';
import { CreateWebhooks } from './store/create-webhooks.ts';
import { postgresKnownWebhooks } from './store/postgres-known-webhooks.ts';
import { postgresRequests } from './store/postgres-requests.ts';
import { postgresTokens } from './store/postgres-tokens.ts';
import { RequestTable } from './store/request-table.ts';
import { TokenTable } from './store/token-table.ts';
import { watchWebhooks } from './watch-webhooks.ts';

/** Senders wait; when a runner does not say within this, what was last known counts. */
const SURFACE_DEADLINE_MS = 1_000;
/** Whoever asks for a list does not wait for an installer that is not there. */
const INSTALLER_DEADLINE_MS = 2_000;

export async function startWebhookGateway(
  config: WebhookGatewayConfig,
  closers: Closers,
  log: Logger,
): Promise<HttpServer> {
  const metrics = createMetrics('webhook-gateway');
  const watch = watchWebhooks(metrics, log);
  const database = closers.add(
    await openDatabase({
      url: config.databaseUrl,
      schema: 'webhook_gateway',
      entities: [TokenTable, RequestTable],
      migrations: [CreateWebhooks, IdempotencyMigration],
      log,
    }),
  );
  const { brokerUrl, redisUrl, partitions, hostSuffix, publicUrl } = config;
  const limits = closers.add(openRateLimit({ redisUrl, perMinute: config.requestsPerMinute, log }));
  const broker = closers.add(
    await connectBroker({ url: brokerUrl, source: 'webhook-gateway', partitions, log, metrics }),
  );

  const tokens = postgresTokens(database);
  const requests = postgresRequests(database);
  const surfaces = new Surfaces(async (tenant, pluginId) => {
    const surface = await broker.ask(
      FindSurface,
      { tenant, payload: { pluginId } },
      { deadlineMs: SURFACE_DEADLINE_MS },
    );
    return surface?.webhooks ?? null;
  }, postgresKnownWebhooks(database));
  const delivering = { post: broker, requests, watch };
  const acceptWebhook = createAcceptWebhook({
    findEndpoint: createFindEndpoint(tokens, hostSuffix),
    rateLimit: (tenant, pluginId) => limits.count(tenant, pluginId),
    deliver: createDeliver(delivering, async ({ tenant, pluginId, webhook, method }) =>
      isDeclared(await surfaces.findNow(tenant, pluginId), webhook, method),
    ),
    ...{ surfaces, requests },
  });

  const ears = await broker.subscribe('webhook-gateway', [
    hearWebhookFinished(createConcludeRequest(requests)),
    hearPluginUninstalled(tokens, requests),
  ]);
  closers.addStep('facts', () => ears.stop());
  const rounds = closers.add(
    new OneAtATime(createSendWaiting(delivering), (error) =>
      log.error({ err: error }, 'waiting webhooks could not be sent'),
    ),
  );
  const wake = () => rounds.run();
  const forget = (days: number) => {
    requests
      .forgetOlderThan(days)
      .catch((error: unknown) => log.warn({ err: error }, 'old requests could not be removed'));
  };
  closers.add(startSweep(config.sweepMs, wake, forget));

  const assertInstalled = createAssertInstalled((tenants) =>
    broker.ask(ListInstalledPlugins, { tenant: null, payload: { tenants } }, { deadlineMs: INSTALLER_DEADLINE_MS }),
  );
  const guards = { identity: identityCheck(config), once: idempotent(idempotencyStore(database)) };
  const webhooks = createManageWebhooks({
    ...{ tokens, requests, surfaces, publicUrl, hostSuffix, wake },
    assertInstalled,
  });
  const { host, port } = config;
  return closers.add(
    await serveHttp({
      ...{ name: 'webhook-gateway', host, port, log, metrics },
      // The platform's own paths win over a webhook of the same name.
      routers: [webhookRoutes(webhooks, guards), intakeRoutes(watch.counted(acceptWebhook), config.bodyLimit)],
      ready: { database: () => database.ping(), broker: () => broker.healthy },
      openapi: [...Object.values(webhookRoutesDescribed), ...intakeRoutesDescribed],
    }),
  );
}
