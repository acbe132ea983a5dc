import { generateKeyPairSync } from 'node:crypto';
import { connectBroker, type Broker } from '@verifywise/broker';
import {
  DeletePluginData,
  partitionOf,
  RunHook,
  type DeletePluginDataRequest,
  type RunHookRequest,
  type StepOutcome,
} from '@verifywise/contracts';
import { Closers, createLogger, serviceTokens } from '@verifywise/service-kit';
import { SignJWT } from 'jose';
import { inPostgres } from '../../../../infra/local/src/backing/handshakes.ts';
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts';
import { startFakeRunner, type FakeRunner, type ReceivedWork } from '../../../../test/support/fake-runner.ts';
import { startPrivateBroker, type PrivateBroker } from '../../../../test/support/private-broker.ts';
import { readConfig } from '../config.ts';
import { startInstaller } from '../service.ts';
import { startFakeRegistry, type FakeRegistry } from './fake-registry.ts';
import { startInstallerProcess, type InstallerProcess } from './installer-process.ts';

const SECRET = 'a-secret-of-the-tests-that-is-long-enough';
const log = createLogger('installer-test', process.env.TEST_LOG_LEVEL ?? 'silent');

export interface Answer {
  status: number;
  headers: Headers;
  body: { success: boolean; data: Record<string, unknown>; error: { code: string; message: string; details: unknown } };
}

export interface RunningInstaller {
  url: string;
  stop(): Promise<void>;
}

/** What hooks do in a test; undefined is success. */
export type OnHook = (request: RunHookRequest) => StepOutcome | Promise<StepOutcome | undefined> | undefined;

/** A tenant with a runner of its own that answers as the test says. */
export interface Tenant {
  name: string;
  runner: FakeRunner;
  /** The names of the hooks that ran, in order, and `delete-data`. */
  hooks(): string[];
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Answer>;
  /** Sends a zip, as an admin's form does. */
  upload(bytes: Buffer, fields?: Record<string, string>, options?: CallOptions): Promise<Answer>;
  /** A whole answer that is no JSON. */
  text(path: string): Promise<string>;
}

export interface CallOptions {
  role?: string | null;
  userId?: string;
  headers?: Record<string, string>;
  at?: RunningInstaller;
}

/** PostgreSQL, RabbitMQ, a registry, and installers as processes would be, for one test file. */
export class InstallerRoom {
  readonly database: TestDatabase;
  readonly rabbit: PrivateBroker;
  readonly broker: Broker;
  readonly registry: FakeRegistry;
  readonly keys = generateKeyPairSync('ed25519');
  readonly #cleanups: (() => Promise<unknown>)[] = [];
  #installer: RunningInstaller | undefined;
  #tenants = 0;
  readonly #partitions = new Set<number>();

  private constructor(database: TestDatabase, rabbit: PrivateBroker, broker: Broker, registry: FakeRegistry) {
    this.database = database;
    this.rabbit = rabbit;
    this.broker = broker;
    this.registry = registry;
  }

  static async open(): Promise<InstallerRoom> {
    const [rabbit, database] = await Promise.all([startPrivateBroker(), createDatabase()]);
    const broker = await connectBroker({ url: rabbit.url, source: 'test', log });
    return new InstallerRoom(database, rabbit, broker, await startFakeRegistry(broker));
  }

  /** Another replica on the same database. */
  async startInstaller(env: Record<string, string> = {}): Promise<RunningInstaller> {
    const closers = new Closers();
    const config = readConfig({ ...this.#settings(), ...env });
    let stopped: Promise<void> | undefined;
    const stop = () => (stopped ??= closers.closeAll(15_000));
    this.#cleanups.push(stop);
    const { url } = await startInstaller(config, closers, log);
    const installer = { url, stop };
    this.#installer ??= installer;
    return installer;
  }

  /** Another replica, as a process that can be killed. */
  async startProcess(): Promise<InstallerProcess> {
    const started = await startInstallerProcess(this.#settings());
    this.#cleanups.push(() => started.stop());
    return started;
  }

  async tenant(onHook: OnHook = () => undefined): Promise<Tenant> {
    const name = this.#newTenant();
    const work = ({ type, payload }: ReceivedWork): unknown => {
      if (type === DeletePluginData.name) return done((payload as DeletePluginDataRequest).stepId);
      return type === RunHook.name ? hookOutcome(payload as RunHookRequest, onHook) : undefined;
    };
    const runner = await startFakeRunner({ brokerUrl: this.rabbit.url, tenant: name, work });
    this.#cleanups.push(() => runner.close());
    return {
      name,
      runner,
      hooks: () => runner.received.flatMap(hookName),
      call: (method, path, body, options = {}) => this.#call(name, method, path, body, options),
      upload: (bytes, fields = {}, options = {}) => {
        const form = new FormData();
        form.set('plugin', new Blob([new Uint8Array(bytes)]), 'plugin.zip');
        for (const [field, value] of Object.entries(fields)) form.set(field, value);
        return this.#call(name, 'POST', '/upload', form, options);
      },
      text: async (path) => {
        const headers = { authorization: `Bearer ${await tokenOf(name, 'Viewer')}` };
        return (await fetch(`${this.#installer?.url ?? ''}/api/plugins${path}`, { headers })).text();
      },
    };
  }

  /** What a statement of somebody with the installer's own rights in its database answers. */
  rows(statement: string): Promise<Record<string, unknown>[]> {
    return inPostgres(
      this.database.url,
      async (client) => (await client.query(statement)).rows as Record<string, unknown>[],
    );
  }

  /** As a runner shows it when it fetches a package. */
  runnerToken(): Promise<string> {
    const signingKey = this.keys.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
    return serviceTokens({ service: 'plugin-runner', signingKey, trustedKeys: [] }).sign({ audience: 'installer' });
  }

  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.reverse()) await cleanup();
    await this.registry.close();
    await this.broker.close();
    await this.database.drop();
    await this.rabbit.stop();
  }

  #settings(): Record<string, string> {
    const publicKey = this.keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    return {
      ...{ PORT: '0', JWT_SECRET: SECRET, BROKER_URL: this.rabbit.url, DATABASE_URL: this.database.url },
      SERVICE_SIGNING_KEY: this.keys.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
      SERVICE_TRUSTED_KEYS: `plugin-runner:${publicKey}`,
      PLUGIN_SECRETS_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
      ...{ HOOK_LIMIT_MS: '2000', INSTALL_HOOK_LIMIT_MS: '2000', HOOK_GRACE_MS: '1000', OPERATION_LEASE_MS: '1500' },
    };
  }

  /** Alone in its partition: two runners of one partition would take each other's work. */
  #newTenant(): string {
    for (;;) {
      this.#tenants += 1;
      const name = `tenant-${this.#tenants}`;
      if (this.#partitions.has(partitionOf(name))) continue;
      this.#partitions.add(partitionOf(name));
      return name;
    }
  }

  async #call(tenant: string, method: string, path: string, body: unknown, options: CallOptions): Promise<Answer> {
    const { role = 'Admin', userId = '7', headers = {}, at = this.#installer } = options;
    const token = role === null ? {} : { authorization: `Bearer ${await tokenOf(tenant, role, userId)}` };
    const isForm = body instanceof FormData;
    const response = await fetch(`${at?.url ?? ''}/api/plugins${path}`, {
      method,
      headers: {
        ...token,
        ...(isForm || body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] };
  }
}

function tokenOf(tenant: string, role: string, userId = '7'): Promise<string> {
  return new SignJWT({ tenant, role, name: 'Ada' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(userId)
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(SECRET));
}

function done(stepId: string): StepOutcome {
  return { kind: 'done', stepId };
}

async function hookOutcome(request: RunHookRequest, onHook: OnHook): Promise<StepOutcome> {
  return (await onHook(request)) ?? done(request.stepId);
}

function hookName({ type, payload }: ReceivedWork): string[] {
  if (type === DeletePluginData.name) return ['delete-data'];
  if (type !== RunHook.name) return [];
  const { hook, installation } = payload as RunHookRequest;
  return [`${hook} ${installation.version}`];
}
