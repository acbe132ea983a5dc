import { randomBytes } from 'node:crypto';
import type { Installation } from '@verifywise/contracts';
import type { ModelApi, Permission } from '@verifywise/plugin-types';
import type { Database } from '@verifywise/service-kit';
import { createLogger, openDatabase, secretBox } from '@verifywise/service-kit';
import { createDatabase } from '../../../../test/support/database.ts';
import type { TestDatabase } from '../../../../test/support/database.ts';
import { modelCapabilities } from '../capabilities/models.ts';
import { createModels } from '../isolate/models.ts';
import { PluginDatabases1732300000002 } from '../store/migrations/0002-plugin-databases.ts';
import { PluginModels1732300000003 } from '../store/migrations/0003-plugin-models.ts';
import { Turns1732300000006 } from '../store/migrations/0006-turns.ts';
import { backendControl } from '../store/plugin-database/backend-control.ts';
import type { CoreModelView } from '../store/plugin-database/core-views.ts';
import { PluginConnections } from '../store/plugin-database/plugin-connections.ts';
import { PluginRoleStore } from '../store/plugin-database/plugin-roles.ts';
import { ModelStore } from '../store/plugin-models/model-store.ts';
import { PluginModels, coreModels } from '../store/plugin-models/plugin-models.ts';

const log = createLogger('test', 'silent');
const ALL: Permission[] = ['models:define', 'database:read', 'database:write'];

export interface PluginAtDesk {
  tenant?: string;
  pluginId?: string;
  version?: string;
  granted?: Permission[];
}

/** The models of plugins as their code has them, over real PostgreSQL; only the process between the two is left out. */
export class ModelDesk {
  readonly service: Database;
  readonly #own: TestDatabase;
  readonly #roles: PluginRoleStore;
  readonly #connections: PluginConnections;
  readonly #used = new Map<string, [tenant: string, pluginId: string]>();
  core: readonly CoreModelView[] = [];
  /** Calls from the plugin's side to the runner's. */
  calls = 0;

  private constructor(own: TestDatabase, service: Database, rowLimit: number) {
    this.#own = own;
    this.service = service;
    this.#roles = new PluginRoleStore(service.source, secretBox([{ kid: 'k1', key: randomBytes(32) }]));
    this.#connections = new PluginConnections({
      url: own.url,
      roles: this.#roles,
      coreSchema: 'core_views',
      most: 20,
      limits: { statementMs: 5_000, rows: rowLimit, bytes: 8 * 1024 * 1024 },
      control: backendControl(service.source, log),
      log,
    });
  }

  static async open({ rowLimit = 1_000 } = {}): Promise<ModelDesk> {
    const own = await createDatabase();
    const migrations = [PluginDatabases1732300000002, PluginModels1732300000003, Turns1732300000006];
    const service = await openDatabase({ url: own.url, schema: 'plugin_runner', entities: [], migrations, log });
    return new ModelDesk(own, service, rowLimit);
  }

  async close(): Promise<void> {
    await this.#connections.close();
    for (const [tenant, pluginId] of this.#used.values()) await this.#roles.drop(tenant, pluginId);
    await this.service.close();
    await this.#own.drop();
  }

  /** One life of a plugin: what `context.models` is in it. */
  async life({ tenant = 'acme', pluginId = 'audit-trail', version = '1.0.0', granted = ALL }: PluginAtDesk = {}) {
    this.#used.set(`${tenant}/${pluginId}`, [tenant, pluginId]);
    const store = new ModelStore(this.service.source);
    const owner = { tenant, pluginId, granted };
    const room = new PluginModels({
      owner: () => owner,
      version,
      connections: this.#connections,
      store,
      core: () => this.core,
    });
    const capabilities = modelCapabilities(() => owner as unknown as Installation, room);
    const ask = async (call: string, ...request: unknown[]) => {
      this.calls += 1;
      const capability = capabilities[call as keyof typeof capabilities] as (...request: unknown[]) => Promise<unknown>;
      // What cannot be cloned would not come through the channel either.
      structuredClone(request);
      const answer = await capability(...request);
      structuredClone(answer);
      return answer;
    };
    const models = createModels(
      { ask: ask },
      { need: () => undefined },
      { pluginId, models: await store.open(tenant, pluginId, version), coreModels: coreModels(this.core) },
    );
    return { models, ask, owner };
  }

  async models(plugin: PluginAtDesk = {}): Promise<ModelApi> {
    return (await this.life(plugin)).models;
  }

  /** As the plugin's own role. */
  async query(sql: string, { tenant = 'acme', pluginId = 'audit-trail' }: PluginAtDesk = {}) {
    this.#used.set(`${tenant}/${pluginId}`, [tenant, pluginId]);
    const connection = await this.#connections.acquire({ tenant, pluginId, granted: ALL }, 'write');
    try {
      return (await connection.client.query(sql)).rows;
    } finally {
      connection.release();
    }
  }
}
