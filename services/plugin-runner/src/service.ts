import { join } from 'node:path';
import { connectBroker } from '@verifywise/broker';
import { FindHolder, fact } from '@verifywise/contracts';
import type { Closers, Logger } from '@verifywise/service-kit';
import {
  bearerCheck,
  createMetrics,
  createOutbox,
  identityCheck,
  openDatabase,
  outboxMigrations,
  secretBox,
  serveHttp,
  serviceTokens,
  startRelay,
} from '@verifywise/service-kit';
import { capabilitiesFor } from './capabilities/capabilities.ts';
import type { RunnerConfig } from './config.ts';
import { createApplyFilters } from './filtering/apply-filters.ts';
import { createRunFilters } from './filtering/run-filters.ts';
import { HeldTenants } from './hosting/held-tenants.ts';
import type { HostedPlugin } from './hosting/hosted-plugin.ts';
import { Hosting } from './hosting/hosting.ts';
import { readableConfig } from './hosting/plugin-config.ts';
import { IsolateMemory } from './hosting/isolate-memory.ts';
import { Reconciler } from './hosting/reconcile.ts';
import { Sleep } from './hosting/sleep.ts';
import { keepSurfaces } from './hosting/surface-records.ts';
import { callWebhook } from './http/call-webhook.ts';
import { clusterRoute, internalRoutes, isolatesRoute } from './http/internal-routes.ts';
import { openDoor } from './http/isolate-door.ts';
import { connectionsToRunners } from './http/other-runners.ts';
import { LogStreams } from './http/log-streams.ts';
import { pluginLogStreamRoute, pluginLogs, pluginLogsRoute } from './http/plugin-logs.ts';
import { pluginRoutes } from './http/plugin-routes.ts';
import { KnownSecrets } from './logs/known-secrets.ts';
import { PluginLogs } from './logs/plugin-logs.ts';
import { uiExtensions, uiExtensionsRoute } from './http/ui-extensions.ts';
import { findSurface, listSurfaces } from './messages/find-surface.ts';
import { partitionWork } from './messages/partition-work.ts';
import { runFilters } from './messages/run-filters.ts';
import { runMiddleware } from './messages/run-middleware.ts';
import { PluginFacts } from './messages/plugin-facts.ts';
import { createRunMiddleware } from './middleware/run-middleware.ts';
import { Ownership } from './ownership/ownership.ts';
import { isolateBundle } from './package/isolate-bundle.ts';
import { findKernelTools } from './hosting/kernel-tools.ts';
import { packageStore } from './package/package-store.ts';
import { PrivateFolders } from './package/private-folders.ts';
import { ScratchFolders } from './package/scratch-folders.ts';
import { UnpackedPackages } from './package/unpacked-packages.ts';
import { openPluginDatabases } from './plugin-databases.ts';
import { InstallationStore } from './store/installation-store.ts';
import { LogStore } from './store/log-store.ts';
import { MetadataStore } from './store/metadata-store.ts';
import { RunnerTables1732300000001 } from './store/migrations/0001-runner-tables.ts';
import { PluginDatabases1732300000002 } from './store/migrations/0002-plugin-databases.ts';
import { PluginModels1732300000003 } from './store/migrations/0003-plugin-models.ts';
import { PluginLogs1732300000004 } from './store/migrations/0004-plugin-logs.ts';
import { LifeOfSurfaces1732300000005 } from './store/migrations/0005-life-of-surfaces.ts';
import { Turns1732300000006 } from './store/migrations/0006-turns.ts';
import { MetadataSizes1732300000007 } from './store/migrations/0007-metadata-sizes.ts';
import { WholeEnvelopes1732300000008 } from './store/migrations/0008-whole-envelopes.ts';
import { OwnershipStore } from './store/ownership-store.ts';
import { ShownUiStore } from './store/shown-ui-store.ts';
import { StepStore } from './store/step-store.ts';
import { SurfaceStore } from './store/surface-store.ts';
import { createCheckedUi } from './ui/checked-ui.ts';
import { watchIsolates } from './watch-isolates.ts';

/** Of the stop deadline, this much is for what comes after the hand-over: publisher confirms, connections. */
const AFTER_DRAIN_MS = 5_000;

/** Of their own: a heartbeat that waits behind what plugins ask for would cost the runner its partitions. */
const OWNERSHIP_CONNECTIONS = 2;

/** A runner: hosts the plugins of the tenants whose partitions it holds. */
export async function startPluginRunner(config: RunnerConfig, closers: Closers, log: Logger): Promise<void> {
  const bundle = isolateBundle();
  const metrics = createMetrics('plugin-runner');
  const { partitions } = config;
  const database = closers.add(
    await openDatabase({
      url: config.databaseUrl,
      schema: 'plugin_runner',
      entities: [],
      migrations: [
        ...outboxMigrations,
        RunnerTables1732300000001,
        PluginDatabases1732300000002,
        PluginModels1732300000003,
        PluginLogs1732300000004,
        LifeOfSurfaces1732300000005,
        Turns1732300000006,
        MetadataSizes1732300000007,
        WholeEnvelopes1732300000008,
      ],
      log,
    }),
  );
  const ownershipDatabase = closers.add(
    await openDatabase({
      url: config.databaseUrl,
      schema: 'plugin_runner',
      applicationName: 'plugin_runner_ownership',
      entities: [],
      migrations: [],
      poolSize: OWNERSHIP_CONNECTIONS,
      log,
    }),
  );
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
  const bearer = bearerCheck(config);
  const identity = identityCheck(bearer);

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

  const tools = findKernelTools(config.path);
  if (tools.setpriv === null)
    log.warn(
      'There is no setpriv: a plugin that loops outlives a runner that is killed, until the next runner starts here',
    );
  if (tools.prlimit === null)
    log.warn('There is no prlimit: a plugin may take much memory at once and fill the disk with a file');
  const notes = watchIsolates(metrics, () => hosting.list());
  const hosting: Hosting = new Hosting({
    partitions,
    failedDeliveries: {
      add: (failed) => plugins.data.add(failed),
      refused: () => notes.notStorable(),
    },
    log,
    surfacesOf: (partition) => surfaces.ofPartition(partition),
    plugin: {
      bundle,
      limits: { heapMb: config.isolateHeapMb, hangLimitMs: config.hangLimitMs, handlerLimitMs: config.handlerLimitMs },
      memory: new IsolateMemory(config.isolateMemoryMb),
      tools,
      notes,
      packages,
      privateFolder: () => privateFolders.create(),
      openDoor,
      configOf: (installation) => readableConfig(secrets, installation),
      readableFolders: config.readableFolders,
      surroundings: async (plugin) => ({
        scratchFolder: await scratchFolders.forIsolate(plugin, plugin.installation.granted),
        egressAllowed: config.egressAllowed,
        ...(await plugins.modelsOf(plugin.installation)),
      }),
      left: (plugin) => scratchFolders.remove(plugin),
      capabilities: (plugin: HostedPlugin) =>
        capabilitiesFor({
          broker,
          metadata,
          installation: () => plugin.installation,
          configChanged: (installation) => {
            plugin.adopt(installation);
            return installation.granted.includes('config:read') ? readableConfig(secrets, installation) : null;
          },
          isEnabled: (pluginId) => installations.isEnabled(plugin.tenant, pluginId),
          ...plugins.capabilities(plugin),
          applyFilters: (...filter) => applyFilters(plugin, ...filter),
        }),
      mask: (installation, text) => knownSecrets.maskFor(installation)(text),
      log: (installation, level, message, meta) => lines.take(installation, level, message, meta),
      ...keepSurfaces(surfaces, facts, log, createCheckedUi()),
      lifecycle: (plugin, what) => facts.lifecycle(plugin, what),
      failed: (plugin, failure) => facts.failed(plugin, failure),
      isolateEnded: (plugin) => plugins.isolateEnded(plugin),
    },
  });
  const filtering = createRunFilters(hosting, config.filterLimitMs);
  const applyFilters = createApplyFilters(filtering);

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
      data: {
        deleteAll: async (tenant, pluginId) => {
          await lines.forget(tenant, pluginId);
          await plugins.data.deleteAll(tenant, pluginId);
        },
      },
      callWebhook,
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
    answers: [runFilters(filtering), runMiddleware(createRunMiddleware(hosting, config.middlewareLimitMs))],
    log,
    // Known only once the port is: a runner that is told no address of its own is reached where it listens.
    self: { id: config.runnerId, url: config.runnerUrl ?? `http://${config.host}:${config.port}` },
  });
  const streams = new LogStreams(logRecords);
  const otherRunners = closers.add(connectionsToRunners());
  const pluginApi = [uiExtensionsRoute, pluginLogsRoute, pluginLogStreamRoute];
  const server = closers.add(
    await serveHttp({
      name: 'plugin-runner',
      host: config.host,
      port: config.port,
      log,
      metrics,
      ready: {
        database: () => database.ping(),
        broker: () => healthy(broker),
        partitions: () => {
          if (!ownership.started) throw new Error('The runner does not consume its partitions yet');
        },
      },
      openapi: [...pluginApi, clusterRoute, isolatesRoute],
      routers: [
        uiExtensions(identity, new ShownUiStore(database.source)),
        pluginLogs(identity, logRecords, streams),
        internalRoutes(
          identity,
          {
            members: () => ownership.members,
            assignment: (partition) => ownership.assignment(partition),
            holdings: () => records.holdings(),
          },
          hosting,
        ),
      ],
      plain: pluginRoutes({
        hosting,
        partitions,
        selfId: config.runnerId,
        holds: (partition) => ownership.holds(partition),
        findHolder: (partition, deadlineMs) =>
          broker.ask(FindHolder, { tenant: null, partition, payload: { partition } }, { deadlineMs }),
        bearer,
        tokens,
        runners: otherRunners,
        platformsOwn: pluginApi,
      }),
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

function healthy(broker: { healthy: boolean; state: string }): void {
  if (!broker.healthy) throw new Error(`The broker is ${broker.state}`);
}
