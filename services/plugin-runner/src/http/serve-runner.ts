import type { Broker } from '@verifywise/broker';
import type { Installation } from '@verifywise/contracts';
import { FindHolder, ReplayDeliveries, ShowPlugin, errorFromAnswer } from '@verifywise/contracts';
import type { Database, HttpServer, Logger, ServiceTokens } from '@verifywise/service-kit';
import { bearerCheck, idempotencyStore, idempotent, identityCheck, serveHttp } from '@verifywise/service-kit';
import type { Registry } from 'prom-client';
import type { Agent } from 'undici';
import type { RunnerConfig } from '../config.ts';
import type { FailedDeliveryRecords } from '../hosting/failed-deliveries.ts';
import type { Hosting } from '../hosting/hosting.ts';
import { failedDeliveries } from './failed-deliveries.ts';
import { failedDeliveryRoutes } from './failed-delivery-routes.ts';
import type { ClusterView } from './internal-routes.ts';
import { clusterRoute, internalRoutes, isolatesRoute } from './internal-routes.ts';
import type { LogStreams } from './log-streams.ts';
import { pluginLogStreamRoute, pluginLogs, pluginLogsRoute } from './plugin-logs.ts';
import { pluginRoutes } from './plugin-routes.ts';
import { uiExtensions, uiExtensionsRoute } from './ui-extensions.ts';
import { why, whyRoute } from './why.ts';
import type { LogRecords } from '../logs/log-line.ts';
import type { OwnershipRecords } from '../ownership/membership.ts';
import type { Ownership } from '../ownership/ownership.ts';
import type { ShownUis } from '../ui/shown-ui.ts';

/** A plugin that sleeps is started for it. */
const REPLAY_DEADLINE_MS = 20_000;
/** A runner that was killed is replaced within two seconds. */
const SHOWN_WITHIN_MS = 2_500;

interface Parts {
  config: RunnerConfig;
  hosting: Hosting;
  ownership: Ownership;
  holders: Pick<OwnershipRecords, 'holdings'>;
  database: Database;
  broker: Broker;
  tokens: ServiceTokens;
  failures: FailedDeliveryRecords;
  logRecords: LogRecords;
  streams: LogStreams;
  shownUis: ShownUis;
  installations: { find(tenant: string, pluginId: string): Promise<Installation | null> };
  /** Connections to the runners that host what is asked for here. */
  runners: Agent;
  metrics: Registry;
  log: Logger;
}

/** Answers over HTTP: the plugins' own routes, their logs and UI, and what operators ask of a runner. */
export async function serveRunner(parts: Parts): Promise<HttpServer> {
  const { config, hosting, ownership, holders, database, broker, metrics, log } = parts;
  const { partitions } = config;
  const bearer = bearerCheck(config);
  const identity = identityCheck(bearer);
  const cluster: ClusterView = {
    members: () => ownership.members,
    assignment: (partition) => ownership.assignment(partition),
    holdings: () => holders.holdings(),
  };
  const pluginApi = [uiExtensionsRoute, pluginLogsRoute, pluginLogStreamRoute, ...Object.values(failedDeliveryRoutes)];
  return serveHttp({
    name: 'plugin-runner',
    host: config.host,
    port: config.port,
    log,
    metrics,
    ready: {
      database: () => database.ping(),
      broker: () => {
        if (!broker.healthy) throw new Error(`The broker is ${broker.state}`);
      },
      partitions: () => {
        if (!ownership.started) throw new Error('The runner does not consume its partitions yet');
      },
    },
    openapi: [...pluginApi, clusterRoute, isolatesRoute, whyRoute],
    routers: [
      uiExtensions(identity, parts.shownUis),
      pluginLogs(identity, parts.logRecords, parts.streams),
      failedDeliveries({
        identity,
        once: idempotent(idempotencyStore(database)),
        records: parts.failures,
        knows: (tenant, pluginId) => parts.logRecords.knows(tenant, pluginId),
        replay: async (tenant, request) => {
          const answer = await broker.sendAndWait(
            ReplayDeliveries,
            { tenant, payload: request },
            { deadlineMs: REPLAY_DEADLINE_MS },
          );
          if ('error' in answer) throw errorFromAnswer(answer.error);
          return answer;
        },
      }),
      internalRoutes(identity, cluster, hosting),
      why({
        ...{ identity, partitions, cluster },
        installationOf: (tenant, pluginId) => parts.installations.find(tenant, pluginId),
        shown: (tenant, pluginId) =>
          broker.ask(ShowPlugin, { tenant, payload: { pluginId } }, { deadlineMs: SHOWN_WITHIN_MS }),
      }),
    ],
    plain: pluginRoutes({
      hosting,
      partitions,
      selfId: config.runnerId,
      holds: (partition) => ownership.holds(partition),
      findHolder: (partition, deadlineMs) =>
        broker.ask(FindHolder, { tenant: null, partition, payload: { partition } }, { deadlineMs }),
      bearer,
      tokens: parts.tokens,
      runners: parts.runners,
      platformsOwn: pluginApi,
    }),
  });
}
