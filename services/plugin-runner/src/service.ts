import { join } from 'node:path';
import { connectBroker } from '@verifywise/broker';
import { fact } from '@verifywise/contracts';
import type { Closers, Logger } from '@verifywise/service-kit';
import { createMetrics, createOutbox, secretBox, serviceTokens, startRelay } from '@verifywise/service-kit';
import type { RunnerConfig } from './config.ts';
import { createApplyFilters } from './filtering/apply-filters.ts';
import { createRunFilters } from './filtering/run-filters.ts';
import { HeldTenants } from './hosting/held-tenants.ts';
import { FairTurns } from './hosting/fair-turns.ts';
import { Hosting } from './hosting/hosting.ts';
import { LateEvents } from './hosting/late-events.ts';
import { Reconciler } from './hosting/reconcile.ts';
import { Sleep } from './hosting/sleep.ts';
import { createCallWebhook } from './http/call-webhook.ts';
import { connectionsToRunners } from './http/other-runners.ts';
import { LogStreams } from './http/log-streams.ts';
import { serveRunner } from './http/serve-runner.ts';
import { webhookBodies } from './http/webhook-bodies.ts';
import { KnownSecrets } from './logs/known-secrets.ts';
import { PluginLogs } from './logs/plugin-logs.ts';
import { findSurface, listSurfaces } from './messages/find-surface.ts';
import { partitionWork } from './messages/partition-work.ts';
import { runFilters } from './messages/run-filters.ts';
import { runMiddleware } from './messages/run-middleware.ts';
import { showPlugin } from './messages/show-plugin.ts';
import { PluginFacts } from './messages/plugin-facts.ts';
import { createRunMiddleware } from './middleware/run-middleware.ts';
import { Ownership } from './ownership/ownership.ts';
import { packageStore } from './package/package-store.ts';
import { PrivateFolders } from './package/private-folders.ts';
import { ScratchFolders } from './package/scratch-folders.ts';
import { UnpackedPackages } from './package/unpacked-packages.ts';
import { openPluginDatabases } from './plugin-databases.ts';
import { createPluginParts } from './plugin-parts.ts';
import { openRunnerDatabases } from './runner-databases.ts';
import { FailedDeliveryStore } from './store/failed-delivery-store.ts';
import { InstallationStore } from './store/installation-store.ts';
import { LogStore } from './store/log-store.ts';
import { MetadataStore } from './store/metadata-store.ts';
import { OwnershipStore } from './store/ownership-store.ts';
import { ParkedEventStore } from './store/parked-event-store.ts';
import { ShownUiStore } from './store/shown-ui-store.ts';
import { StepStore } from './store/step-store.ts';
import { SurfaceStore } from './store/surface-store.ts';
import { watchIsolates } from './watch-isolates.ts';
import { watchTurns } from './watch-turns.ts';

/** Of the stop deadline, this much is for what comes after the hand-over: publisher confirms, connections. */
const AFTER_DRAIN_MS = 5_000;

/** A runner: hosts the plugins of the tenants whose partitions it holds. */
export async function startPluginRunner(config: RunnerConfig, closers: Closers, log: Logger): Promise<void> {
  const metrics = createMetrics('plugin-runner');
  const { partitions } = config;
  const { database, ownershipDatabase } = await openRunnerDatabases(config, closers, log);
  const broker = closers.add(
    await connectBroker({ url: config.brokerUrl, source: 'plugin-runner', partitions, log, metrics }),
  );
  const outbox = createOutbox(database);
  const relay = closers.add(
    startRelay({ outbox, log, publish: (name, message) => broker.publish(fact(name), message) }),
  );

  const installations = new InstallationStore(database.source, partitions);
  const surfaces = new SurfaceStore(database.source);
  const metadata = new MetadataStore(database.source);
  const steps = new StepStore(database.source);
  const secrets = secretBox(config.secretKeys);
  const plugins = await openPluginDatabases({
    config,
    database,
    secrets,
    outbox,
    nudge: () => relay.nudge(),
    closers,
    log,
  });
  const failures = new FailedDeliveryStore(database.source);
  const logRecords = new LogStore(database.source);
  const knownSecrets = new KnownSecrets(secrets);
  const lines = closers.add(
    new PluginLogs({
      records: logRecords,
      secrets: knownSecrets,
      keep: config.pluginLogLines,
      log,
    }),
  );
  const tokens = serviceTokens({ service: 'plugin-runner', ...config });
  const facts = closers.add(
    new PluginFacts(
      broker,
      async (kept, message) => {
        await database.source.transaction((transaction) => outbox.add(transaction, kept, message));
        relay.nudge();
      },
      log,
      () => notes.notStorable(),
    ),
  );
  const privateFolders = closers.add(await PrivateFolders.open(config.scratchFolder, log));
  const scratchFolders = closers.add(await ScratchFolders.open(config.scratchFolder));
  const packages = closers.add(
    await UnpackedPackages.open(join(config.scratchFolder, 'packages'), {
      fetch: packageStore(config.installerUrl, tokens),
      hosted: () => hosting.packages(),
      log,
    }),
  );

  const turns = new FairTurns({ atOnce: config.handlersAtOnce, ofOneTenant: config.handlersOfATenant });
  watchTurns(metrics, turns);
  const notes = watchIsolates(metrics, () => hosting.list());
  const hosting: Hosting = new Hosting({
    partitions,
    failedDeliveries: {
      add: (failed) => failures.add(failed),
      refused: () => notes.notStorable(),
    },
    log,
    surfacesOf: (partition) => surfaces.ofPartition(partition),
    parked: new ParkedEventStore(database.source),
    turns,
    plugin: createPluginParts({
      config,
      broker,
      secrets,
      knownSecrets,
      installations,
      metadata,
      surfaces,
      plugins,
      facts,
      lines,
      packages,
      privateFolders,
      scratchFolders,
      notes,
      applyFilters: (...filter) => applyFilters(...filter),
      log,
    }),
  });
  const filtering = createRunFilters(hosting, config.filterLimitMs);
  const applyFilters = createApplyFilters(filtering);

  closers.add(new LateEvents({ afterMs: config.parkAfterMs, lanes: () => hosting.lanes() }));
  closers.add(new Sleep({ idleMs: config.idleStopMinutes * 60_000, plugins: () => hosting.sleepers(), log }));

  const tenants = new HeldTenants({
    hosting,
    installations,
    log,
    work: partitionWork({
      hosting,
      broker,
      installations,
      steps,
      replays: failures,
      data: {
        deleteAll: async (tenant, pluginId) => {
          await lines.forget(tenant, pluginId);
          await plugins.data.deleteAll(tenant, pluginId);
        },
      },
      callWebhook: createCallWebhook(webhookBodies(config.webhookGatewayUrl, tokens)),
      webhookLimitMs: config.handlerLimitMs,
      notStorable: () => notes.notStorable(),
      log,
    }),
  });
  const records = new OwnershipStore(ownershipDatabase.source);

  const ownership = new Ownership(partitions, {
    broker,
    records,
    tenants,
    answers: [
      runFilters(filtering),
      runMiddleware(createRunMiddleware(hosting, config.middlewareLimitMs)),
      showPlugin(hosting),
    ],
    log,
    // Known only once the port is: a runner that is told no address of its own is reached where it listens.
    self: { id: config.runnerId, url: config.runnerUrl ?? `http://${config.host}:${config.port}` },
  });
  const streams = new LogStreams(logRecords);
  const server = closers.add(
    await serveRunner({
      config,
      hosting,
      ownership,
      holders: records,
      database,
      broker,
      tokens,
      failures,
      logRecords,
      streams,
      shownUis: new ShownUiStore(database.source),
      installations,
      runners: closers.add(connectionsToRunners()),
      metrics,
      log,
    }),
  );
  closers.addStep('watched logs', () => streams.close());
  const reconciler = new Reconciler({
    broker,
    records: installations,
    log,
    held: () => ownership.held(),
    apply: (installation) => hosting.apply(installation),
    forget: (tenant, pluginId, upToGeneration) => hosting.forget(tenant, pluginId, upToGeneration),
  });
  closers.addStep('reconciler and partitions', async () => {
    await reconciler.close();
    await ownership.drain(Math.max(0, config.stopDeadlineMs - AFTER_DRAIN_MS));
  });
  closers.add(
    await broker.answerQuestions('plugin-runner', [findSurface(surfaces), listSurfaces(surfaces)]).then(closable),
  );
  await ownership.start();
  reconciler.start();
  // Closed first of all: nobody sends new requests while the partitions are handed over.
  closers.addStep('readiness', () => server.setNotReady());
}

function closable(consumer: { stop(): Promise<void> }): { close(): Promise<void> } {
  return { close: () => consumer.stop() };
}
