import { answering, connectBroker, hearing, type Broker } from '@verifywise/broker';
import {
  ListInstalledPlugins,
  ListTenantPlugins,
  PluginUpdateAvailable,
  RegistryRefreshed,
  type InstalledPlugin,
  type TenantPlugins,
  type UpdateAvailable,
} from '@verifywise/contracts';
import { Closers, createLogger } from '@verifywise/service-kit';
import pg from 'pg';
import { backingServices } from '../../../../test/support/backing-services.ts';
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts';
import { startPrivateBroker, type PrivateBroker } from '../../../../test/support/private-broker.ts';
import { readConfig } from '../config.ts';
import { startRegistryCache } from '../service.ts';
import { startRemoteRegistry, type RemoteRegistry } from './remote-registry.ts';
import { tokenOf } from './token-of.ts';

const SECRET = 'a-secret-of-the-tests-that-is-long-enough';
const log = createLogger('registry-cache-test', 'silent');

export interface Who {
  tenant?: string;
  role?: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  // Each test knows the shape of what it asked for.
  body: { data?: never; error?: { code: string; message: string } };
}

export interface Running {
  url: string;
  get(path: string, who?: Who): Promise<Answer>;
  send(method: string, path: string, body?: unknown, who?: Who, headers?: Record<string, string>): Promise<Answer>;
  stop(): Promise<void>;
}

export const operator = { role: 'Operator' };
export const viewer = { role: 'Viewer' };

/** Everything around registry-cache for one test file: a broker and a database of its own, a registry's server, and an installer's answers. */
export class RegistryRoom {
  readonly rabbit: PrivateBroker;
  readonly database: TestDatabase;
  readonly sql: pg.Client;
  /** Speaks for the other services. */
  readonly others: Broker;
  /** What tenants have installed, as the installer would say it. */
  readonly installed = new Map<string, InstalledPlugin[]>();
  /** Facts that were heard, newest last. */
  readonly updates: (UpdateAvailable & { tenant: string | null; messageId: string })[] = [];
  readonly refreshes: { registry: string; plugins: number; quarantined: number }[] = [];
  readonly #cleanups: (() => Promise<unknown>)[] = [];
  #remote: RemoteRegistry | undefined;

  private constructor(rabbit: PrivateBroker, database: TestDatabase, sql: pg.Client, others: Broker) {
    this.rabbit = rabbit;
    this.database = database;
    this.sql = sql;
    this.others = others;
  }

  static async open(): Promise<RegistryRoom> {
    const [rabbit, database] = await Promise.all([startPrivateBroker(), createDatabase()]);
    const sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
    const others = await connectBroker({ url: rabbit.url, source: 'test', partitions: 2, log });
    const room = new RegistryRoom(rabbit, database, sql, others);
    await others.answerQuestions('installer', [
      answering(ListInstalledPlugins, ({ tenants }) =>
        tenants
          .map(({ tenant }) => room.#tenantPlugins(tenant))
          .filter((one) => tenants.every(({ tenant, revision }) => tenant !== one.tenant || revision !== one.revision)),
      ),
      answering(ListTenantPlugins, ({ after = '' }) => {
        // One a page, so that pages matter.
        const [tenant, more] = [...room.installed.keys()].sort().filter((name) => name > after);
        if (tenant === undefined) return { tenants: [] };
        return { tenants: [room.#tenantPlugins(tenant)], ...(more === undefined ? {} : { next: tenant }) };
      }),
    ]);
    // The scheduler hears no fact of ours, so its queue is free to listen on.
    await others.subscribe('scheduler', [
      hearing(PluginUpdateAvailable, (payload, { tenant, envelope }) => {
        room.updates.push({ ...payload, tenant, messageId: envelope.id });
        return Promise.resolve();
      }),
      hearing(RegistryRefreshed, (payload) => {
        room.refreshes.push(payload);
        return Promise.resolve();
      }),
    ]);
    return room;
  }

  get remote(): RemoteRegistry {
    if (this.#remote === undefined) throw new Error('The registry is started before each test');
    return this.#remote;
  }

  async beforeEach(): Promise<void> {
    this.#remote = await this.startRemote();
    this.updates.length = 0;
    this.refreshes.length = 0;
  }

  async startRemote(): Promise<RemoteRegistry> {
    const remote = await startRemoteRegistry();
    this.#cleanups.push(() => remote.stop());
    return remote;
  }

  async afterEach(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup();
    await this.sql.query('DROP SCHEMA IF EXISTS registry_cache CASCADE');
    this.installed.clear();
  }

  async close(): Promise<void> {
    await this.others.close();
    await this.sql.end();
    await this.database.drop();
    await this.rabbit.stop();
  }

  /** A registry that is this test's own server. */
  local(name: string, url = this.remote.url): { name: string; url: string } & Record<string, unknown> {
    return { name, url: `${url}/registry.json`, verified: true, local: true, allowedHosts: ['127.0.0.1'] };
  }

  install(tenant: string, pluginId: string, version: string, enabled = true): void {
    const others = (this.installed.get(tenant) ?? []).filter((one) => one.pluginId !== pluginId);
    const state = enabled ? 'enabled' : 'disabled';
    this.installed.set(tenant, [...others, { pluginId, version, state, enabled, generation: 1 }]);
  }

  /** A replica of registry-cache. */
  async startCache(env: Record<string, string> = {}): Promise<Running> {
    const closers = new Closers();
    const config = readConfig({
      BROKER_URL: this.rabbit.url,
      DATABASE_URL: this.database.url,
      REDIS_URL: `${backingServices().redisUrl}/6`,
      JWT_SECRET: SECRET,
      PARTITIONS: '2',
      PORT: '0',
      REGISTRIES: JSON.stringify([this.local('local')]),
      ...env,
    });
    const { url } = await startRegistryCache(config, closers, log);
    const stop = () => closers.closeAll(15_000);
    this.#cleanups.push(stop);
    const send: Running['send'] = async (method, path, body, who = {}, headers = {}) => {
      const { tenant = 'acme', role = 'Admin' } = who;
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${await tokenOf(SECRET, tenant, role)}`,
          'content-type': 'application/json',
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true;
      const read = isJson && text !== '' ? (JSON.parse(text) as Answer['body']) : {};
      return { status: answer.status, headers: answer.headers, body: read };
    };
    return { url, send, get: (path, who) => send('GET', path, undefined, who), stop };
  }

  #tenantPlugins(tenant: string): TenantPlugins {
    const plugins = this.installed.get(tenant) ?? [];
    return { tenant, plugins, revision: JSON.stringify(plugins) };
  }
}
