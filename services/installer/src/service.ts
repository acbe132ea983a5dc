import { connectBroker } from '@verifywise/broker';
import {
  createMetrics,
  createOutbox,
  idempotencyStore,
  openDatabase,
  secretBox,
  serveHttp,
  serviceTokens,
  startRelay,
  type Closers,
  type HttpServer,
  type Logger,
} from '@verifywise/service-kit';
import type { InstallerConfig } from './config.ts';
import { createAcknowledgeAlert } from './audit/acknowledge-alert.ts';
import { createViewAudit } from './audit/view-audit.ts';
import { createChangeConfig } from './config/change-config.ts';
import { createViewConfigHistory } from './config/config-history.ts';
import { createSealGiven } from './config/given-config.ts';
import { createViewConfig } from './config/config-view.ts';
import { addAlertRoutes } from './http/alert-routes.ts';
import { createApi } from './http/api.ts';
import { addAuditRoutes } from './http/audit-routes.ts';
import { addConfigRoutes } from './http/config-routes.ts';
import { addLifecycleRoutes } from './http/lifecycle-routes.ts';
import { answerOperations } from './http/operation-answer.ts';
import { addOperationRoutes } from './http/operation-routes.ts';
import { packageRoute, packageRoutes } from './http/package-routes.ts';
import { addPluginRoutes } from './http/plugin-routes.ts';
import { addUpdatePlanRoute } from './http/update-plan-route.ts';
import { createChangePermissions } from './installation/change-permissions.ts';
import { createViewPlugins } from './installation/plugin-view.ts';
import { DueStarts } from './installation/due-starts.ts';
import { createPlanUpdate } from './installation/plan-update.ts';
import { createReportFailure } from './installation/report-failure.ts';
import { createSagas } from './installation/sagas.ts';
import type { Transact } from './installation/transaction.ts';
import { createUploadPlugin } from './installation/upload-plugin.ts';
import { createViewDependencies } from './installation/view-dependencies.ts';
import { listInstallations } from './messages/list-installations.ts';
import { listInstalledPlugins, listTenantPlugins } from './messages/list-installed-plugins.ts';
import { pluginFailed } from './messages/plugin-failed.ts';
import { setConfigValue } from './messages/set-config-value.ts';
import { Operations } from './operations/operations.ts';
import type { OperationStore } from './operations/operation-store.ts';
import { StoredIntake } from './package/package-intake.ts';
import { limitsIn } from './package/package-limits.ts';
import { UnwantedPackages } from './package/unwanted-packages.ts';
import { RegistryCache } from './registry/registry-cache.ts';
import { sendOrPublish } from './runner/outgoing.ts';
import { surfaceOf } from './runner/plugin-surfaces.ts';
import { PartitionOwner } from './runner/partition-owner.ts';
import { DownloadLeases } from './store/download-leases.ts';
import { InstallationStore } from './store/installation-store.ts';
import { migrations } from './store/migrations.ts';
import { PackageStore } from './store/package-store.ts';
import { StoredAuditLogs } from './store/stored-audit-logs.ts';
import { StoredOperations } from './store/stored-operations.ts';
import { StoredRecords } from './store/stored-records.ts';
import { ConfigTable, InstallationTable, PackageTable } from './store/tables.ts';
import { createTransactions } from './store/transactions.ts';

/** A repeated step is answered from the runner's store, so asking often costs little. */
const REPEAT_HOOK_MS = 10_000;
/** Dropping a schema waits for whoever still reads from it. */
const DELETE_DATA_MS = 30_000;

/** What a caller may put around the hands of an installer. */
export interface InstallerWraps {
  /** Sees every write of every operation. */
  operationStore?: (store: OperationStore) => OperationStore;
}

/** Starts one installer; any number of them work side by side on the same database. */
export async function startInstaller(
  config: InstallerConfig,
  closers: Closers,
  log: Logger,
  { operationStore = (store) => store }: InstallerWraps = {},
): Promise<HttpServer> {
  const metrics = createMetrics('installer');
  const tokens = serviceTokens({ service: 'installer', ...config });
  const secrets = secretBox(config.secretsKeys);
  const db = closers.add(
    await openDatabase({
      url: config.databaseUrl,
      schema: 'installer',
      entities: [InstallationTable, ConfigTable, PackageTable],
      migrations,
      log,
    }),
  );
  const { brokerUrl: url, partitions } = config;
  const broker = closers.add(await connectBroker({ url, source: 'installer', partitions, log, metrics }));

  const outbox = createOutbox(db);
  const relay = startRelay({
    outbox,
    log,
    publish: (name, message) => sendOrPublish(broker, name, message),
  });
  closers.add(relay);

  const transactions = createTransactions(outbox, partitions, () => relay.nudge());
  const transact: Transact = (work) => transactions.run(work);
  const installations = new InstallationStore(db.source);
  const packages = new PackageStore(db.source);
  const records = new StoredRecords(db.source);
  const registry = new RegistryCache(broker);
  const intake = new StoredIntake({
    packages,
    leases: new DownloadLeases(db.source, config.operationLeaseMs),
    findToken: (name) => registry.findToken(name),
    settings: {
      limits: limitsIn(config),
      downloadDeadlineMs: config.downloadDeadlineMs,
      scratchFolder: config.packageScratchFolder,
    },
  });
  if (config.builtinPluginsFolder !== undefined) await intake.takeInBuiltins(config.builtinPluginsFolder, log);

  closers.add(new UnwantedPackages({ packages, keptDays: config.packagesKeptDays, log }));

  const operationRows = operationStore(new StoredOperations(db.source, transactions));
  const operations: Operations = new Operations({
    store: operationRows,
    sagas: () => sagas,
    times: {
      leaseMs: config.operationLeaseMs,
      sweepMs: Math.ceil(config.operationLeaseMs / 3),
      keptDays: config.operationsKeptDays,
    },
    log,
  });
  const sagas = createSagas({
    installations,
    packages,
    intake,
    registry,
    runner: new PartitionOwner(broker, partitions, {
      graceMs: config.hookGraceMs,
      repeatMs: REPEAT_HOOK_MS,
      deleteMs: DELETE_DATA_MS,
    }),
    transact,
    secrets,
    runChild: async (parent, child, signal) => {
      await operations.runChild(parent, child, signal);
    },
    findChild: ({ id }, pluginId, kind) => operationRows.findChild(id, pluginId, kind),
    hostVersion: config.hostVersion,
    limits: { hookMs: config.hookLimitMs, installMs: config.installHookLimitMs },
  });
  closers.add(operations);

  const plugins = createViewPlugins({ installations, packages });
  const changeConfig = createChangeConfig({ transact, secrets });
  const questions = await broker.answerQuestions('installer', [
    listInstallations((...asked) => installations.listByPartitions(...asked)),
    listInstalledPlugins(installations),
    listTenantPlugins(installations),
    setConfigValue(changeConfig),
  ]);
  closers.addStep('questions', () => questions.stop());
  closers.add(new DueStarts({ due: () => records.dueStarts(), transact, log }));
  const facts = await broker.subscribe('installer', [pluginFailed(createReportFailure(transact, config.errorBudget))]);
  closers.addStep('facts', () => facts.stop());

  const api = createApi(config, idempotencyStore(db));
  const auditLogs = new StoredAuditLogs(db.source);
  addAuditRoutes(api, createViewAudit(installations, auditLogs));
  addAlertRoutes(api, { records, acknowledgeAlert: createAcknowledgeAlert(transact) });
  addPluginRoutes(api, {
    plugins,
    records,
    viewDependencies: createViewDependencies(installations),
    changePermissions: createChangePermissions(transact),
  });
  addConfigRoutes(api, {
    viewConfig: createViewConfig(installations),
    viewHistory: createViewConfigHistory(installations, auditLogs),
    changeConfig,
  });
  addUpdatePlanRoute(
    api,
    createPlanUpdate({
      ...{ installations, packages, registry, intake, hostVersion: config.hostVersion },
      surfaceOf: (tenant, pluginId) => surfaceOf(broker, tenant, pluginId),
    }),
  );
  addOperationRoutes(api, operations);
  const sealGiven = createSealGiven(secrets);
  addLifecycleRoutes(api, {
    operations,
    sealGiven,
    answer: answerOperations(operations, plugins),
    uploadPlugin: createUploadPlugin({
      installations,
      operations,
      sealGiven,
      takeIn: (archive, checksum) => intake.upload(archive, checksum),
    }),
    receiveUpload: (read) => intake.receive(read),
    uploadLimitBytes: config.uploadLimitBytes,
  });
  const http = closers.add(
    await serveHttp({
      name: 'installer',
      host: config.host,
      port: config.port,
      log,
      routers: [api.router, packageRoutes(packages, tokens)],
      ready: { database: () => db.ping(), broker: () => broker.healthy },
      openapi: [...api.routes, packageRoute],
      metrics,
    }),
  );
  closers.addStep('waiting requests', () => operations.stopWaiting());
  return http;
}
