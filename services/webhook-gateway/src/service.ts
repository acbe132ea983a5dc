import { connectBroker } from '@verifywise/broker';
import { FindSealedSecrets, FindSurface, ListInstalledPlugins } from '@verifywise/contracts';
import {
  createAssertInstalled,
  createMetrics,
  idempotencyStore,
  IdempotencyMigration,
  idempotent,
  identityCheck,
  OneAtATime,
  openDatabase,
  secretBox,
  serveHttp,
  serviceTokens,
  type Closers,
  type HttpServer,
  type Logger,
} from '@verifywise/service-kit';
import type { WebhookGatewayConfig } from './config.ts';
import { bodyRoutes } from './http/body-routes.ts';
import { intakeRoutes } from './http/intake-routes.ts';
import { bodyRoutesDescribed } from './http/openapi-bodies.ts';
import { intakeRoutesDescribed } from './http/openapi-intake.ts';
import { webhookRoutesDescribed } from './http/openapi.ts';
import { webhookRoutes } from './http/webhook-routes.ts';
import { createAcceptWebhook, declaredAs, type AcceptWebhookParts } from './intake/accept-webhook.ts';
import { createConcludeRequest } from './intake/conclude-request.ts';
import { createDeliver, createSendWaiting } from './intake/deliver.ts';
import { createFindEndpoint } from './intake/endpoint.ts';
import { FairTurns } from './intake/fair-turns.ts';
import { fairlyKept, fairlyStored } from './intake/fairly.ts';
import { createFindByAccount } from './intake/find-by-account.ts';
import { createManageWebhooks } from './intake/manage-webhooks.ts';
import { SettingsInForce } from './intake/settings-in-force.ts';
import { Surfaces } from './intake/surfaces.ts';
import { startSweep } from './intake/sweep.ts';
import { hearPluginThereAgain } from './messages/plugin-there-again.ts';
import { hearPluginUninstalled } from './messages/plugin-uninstalled.ts';
import { hearWebhookFinished } from './messages/webhook-finished.ts';
import { openRateLimit } from './redis/rate-limit.ts';
import { CreateWebhooks } from './store/create-webhooks.ts';
import { makeComingDays } from './store/keep-days.ts';
import { KeepRequestsByDay } from './store/keep-requests-by-day.ts';
import { postgresBodies } from './store/postgres-bodies.ts';
import { postgresKnownSecrets } from './store/postgres-known-secrets.ts';
import { postgresKnownWebhooks } from './store/postgres-known-webhooks.ts';
import { postgresRequests } from './store/postgres-requests.ts';
import { postgresSettings } from './store/postgres-settings.ts';
import { postgresThrottles } from './store/postgres-throttles.ts';
import { postgresTokens } from './store/postgres-tokens.ts';
import { RequestTable } from './store/request-table.ts';
import { TokenTable } from './store/token-table.ts';
import { createIsSigned, createVerification } from './verification/verifying.ts';
import { WebhookSecrets } from './verification/webhook-secrets.ts';
import { watchWebhooks } from './watch-webhooks.ts';

/** Senders wait; when a runner does not say within this, what was last known counts. */
const SURFACE_DEADLINE_MS = 1_000;
/** Whoever asks for a list does not wait for an installer that is not there. */
const INSTALLER_DEADLINE_MS = 2_000;

/** Admins look at a request, and replay it, within a week or not at all. */
const KEPT_DAYS = 7;
/** Fewer than the pool has connections: who asks about tokens and settings does not wait behind bodies. */
const WRITES_AT_ONCE = 7;

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
      migrations: [CreateWebhooks, KeepRequestsByDay, IdempotencyMigration],
      log,
    }),
  );
  // It may not have run for days.
  await makeComingDays(database.source);
  const { brokerUrl, redisUrl, partitions, hostSuffix, publicUrl, bodyLimit, requestsPerMinute } = config;
  const limits = closers.add(openRateLimit({ redisUrl, log }));
  const broker = closers.add(
    await connectBroker({ url: brokerUrl, source: 'webhook-gateway', partitions, log, metrics }),
  );

  const turns = new FairTurns(WRITES_AT_ONCE);
  const tokens = postgresTokens(database);
  const requests = fairlyKept(postgresRequests(database), turns);
  const bodies = fairlyStored(postgresBodies(database), turns);
  const settings = postgresSettings(database);
  const inForce = new SettingsInForce(settings, requestsPerMinute);
  const surfaces = new Surfaces(async (tenant, pluginId) => {
    const surface = await broker.ask(
      FindSurface,
      { tenant, payload: { pluginId } },
      { deadlineMs: SURFACE_DEADLINE_MS },
    );
    return surface?.webhooks ?? null;
  }, postgresKnownWebhooks(database));
  const box = secretBox(config.secretsKeys);
  const secrets = new WebhookSecrets({
    ask: (tenant, pluginId, keys) =>
      broker.ask(FindSealedSecrets, { tenant, payload: { pluginId, keys } }, { deadlineMs: SURFACE_DEADLINE_MS }),
    known: postgresKnownSecrets(database),
    open: (sealed, place) => box.open(sealed, place),
  });
  const verification = createVerification(secrets, watch);
  const verifyOf: AcceptWebhookParts['verifyOf'] = (endpoint, webhook) => inForce.verifyOf(endpoint, webhook);
  const delivering = { post: broker, requests, watch };
  const acceptWebhook = createAcceptWebhook({
    ...{ surfaces, requests, bodies, bodyLimit, verifyOf, verification },
    findEndpoint: createFindEndpoint(tokens, hostSuffix),
    findByAccount: createFindByAccount({
      claimants: (...claim) => settings.claimants(...claim),
      isSigned: createIsSigned({ surfaces, verifyOf, secrets }),
    }),
    throttles: postgresThrottles(database),
    rateLimit: async (tenant, pluginId) => limits.count(tenant, pluginId, await inForce.perMinute(tenant, pluginId)),
    deliver: createDeliver(delivering, async ({ tenant, pluginId, webhook, method }) =>
      Boolean(declaredAs(await surfaces.findNow(tenant, pluginId), webhook)?.methods.includes(method)),
    ),
  });

  const rounds = closers.add(
    new OneAtATime(createSendWaiting(delivering), (error) =>
      log.error({ err: error }, 'waiting webhooks could not be sent'),
    ),
  );
  const wake = () => rounds.run();
  const ears = await broker.subscribe('webhook-gateway', [
    hearWebhookFinished(createConcludeRequest(requests, watch)),
    ...hearPluginThereAgain(requests, wake),
    hearPluginUninstalled(tokens, requests),
  ]);
  closers.addStep('facts', () => ears.stop());
  const forget = (days: number) => {
    requests
      .forgetOlderThan(days)
      .catch((error: unknown) => log.warn({ err: error }, 'old requests could not be removed'));
  };
  closers.add(startSweep(config.sweepMs, wake, () => forget(KEPT_DAYS)));

  const assertInstalled = createAssertInstalled((tenants) =>
    broker.ask(ListInstalledPlugins, { tenant: null, payload: { tenants } }, { deadlineMs: INSTALLER_DEADLINE_MS }),
  );
  const identity = identityCheck(config);
  const guards = { identity, once: idempotent(idempotencyStore(database)) };
  const webhooks = createManageWebhooks({
    ...{ tokens, requests, settings, surfaces, publicUrl, hostSuffix, requestsPerMinute, bodyLimit, wake },
    secretsOf: (endpoint, verify) => secrets.find(endpoint, verify),
    assertInstalled,
  });
  const stored = bodyRoutes({
    ...{ bodies, identity, tokens: serviceTokens({ service: 'webhook-gateway', ...config }) },
    find: (tenant, requestId) => requests.find(tenant, requestId),
  });
  const { host, port } = config;
  return closers.add(
    await serveHttp({
      ...{ name: 'webhook-gateway', host, port, log, metrics },
      // The platform's own paths win over a webhook of the same name.
      routers: [webhookRoutes(webhooks, guards), stored, intakeRoutes(watch.counted(acceptWebhook))],
      ready: { database: () => database.ping(), broker: () => broker.healthy },
      openapi: [
        ...[...Object.values(webhookRoutesDescribed), ...Object.values(bodyRoutesDescribed)],
        ...intakeRoutesDescribed,
      ],
    }),
  );
}
