import type { Installation } from '@verifywise/contracts';
import type { Closers, Database, Logger, Outbox, SecretBox } from '@verifywise/service-kit';
import type { CapabilityHands } from './capabilities/capabilities.ts';
import { DatabaseSessions } from './capabilities/database.ts';
import { modelCapabilities } from './capabilities/models.ts';
import type { RunnerConfig } from './config.ts';
import type { HostedPlugin } from './hosting/hosted-plugin.ts';
import type { Surroundings } from './hosting/hosted-plugin-parts.ts';
import { PluginDataStore } from './store/plugin-data-store.ts';
import { backendControl } from './store/plugin-database/backend-control.ts';
import { CoreViews } from './store/plugin-database/core-views.ts';
import { PluginConnections } from './store/plugin-database/plugin-connections.ts';
import { PluginRoleStore } from './store/plugin-database/plugin-roles.ts';
import { PluginStatements } from './store/plugin-database/plugin-statements.ts';
import { TransactionEventStore } from './store/plugin-database/transaction-events.ts';
import { ModelStore } from './store/plugin-models/model-store.ts';
import { PluginModels, coreModels } from './store/plugin-models/plugin-models.ts';

/** What one answer of PostgreSQL to a plugin may have; the runner holds it in memory. */
const ANSWER_BYTES = 16 * 1024 * 1024;

interface Parts {
  config: RunnerConfig;
  database: Database;
  secrets: SecretBox;
  outbox: Outbox;
  /** Something is in the outbox. */
  nudge: () => void;
  closers: Closers;
  log: Logger;
}

/** The plugins' own data in PostgreSQL, as the rest of the runner needs it. */
export interface PluginDatabases {
  data: PluginDataStore;
  modelsOf(installation: Installation): Promise<Pick<Surroundings, 'models' | 'coreModels'>>;
  capabilities(plugin: HostedPlugin): Pick<CapabilityHands, 'database' | 'models'>;
  isolateEnded(plugin: HostedPlugin): void;
}

/** Opens what `context.db` and `context.models` stand on: roles and schemas, sessions, core views, stored models. */
export async function openPluginDatabases(parts: Parts): Promise<PluginDatabases> {
  const { config, database, secrets, outbox, nudge, closers, log } = parts;
  const { statementLimitMs: statementMs, rowLimit: rows, coreViewsSchema: coreSchema } = config;
  const db = database.source;
  const roles = new PluginRoleStore(db, secrets);
  const connections = closers.add(
    new PluginConnections({
      url: config.pluginDatabaseUrl ?? config.databaseUrl,
      roles,
      coreSchema,
      most: config.pluginConnections,
      limits: { statementMs, rows, bytes: ANSWER_BYTES },
      control: backendControl(db, log),
      log,
    }),
  );
  const events = new TransactionEventStore({ db, outbox, added: nudge, log });
  closers.add(events.startSweeping());
  const sessions = new DatabaseSessions(new PluginStatements(connections, events));
  const coreViews = closers.add(new CoreViews({ db, roles, schema: coreSchema, relations: config.coreModels, log }));
  await coreViews.start();
  const store = new ModelStore(db);
  const core = () => coreViews.models();

  return {
    data: new PluginDataStore(db, roles),
    modelsOf: async ({ tenant, pluginId, version }) => ({
      models: await store.open(tenant, pluginId, version),
      coreModels: coreModels(core()),
    }),
    capabilities: (plugin) => {
      const session = sessions.open(plugin);
      const { owner } = session;
      const models = new PluginModels({ owner, version: owner().version, connections, store, core });
      return { database: session.capabilities, models: modelCapabilities(owner, models) };
    },
    isolateEnded: (plugin) => {
      sessions.end(plugin);
      connections.closeOf(plugin.tenant, plugin.pluginId);
    },
  };
}
