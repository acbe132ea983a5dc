import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { expect } from '@jest/globals';
import { answering } from '@verifywise/broker';
import {
  emptySurface,
  FindSealedSecrets,
  FindSurface,
  WebhookFinished,
  type SurfaceWebhook,
  type WebhookAnswer,
  type WebhookDelivery,
  type WebhookOutcome,
} from '@verifywise/contracts';
import { Closers, createLogger, openDatabase, secretBox, serviceTokens } from '@verifywise/service-kit';
import type { Database, Logger } from '@verifywise/service-kit';
import { Redis } from 'ioredis';
import pg from 'pg';
import { freePort } from '../../../../infra/local/src/backing/free-port.ts';
import { makeKeys } from '../../../../infra/local/src/platform-keys.ts';
import { backingServices } from '../../../../test/support/backing-services.ts';
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { startFakeRunner, type FakeRunner, type ReceivedWork } from '../../../../test/support/fake-runner.ts';
import { startPrivateBroker, type PrivateBroker } from '../../../../test/support/private-broker.ts';
import { readConfig } from '../config.ts';
import { startWebhookGateway } from '../service.ts';
import { RequestTable } from '../store/request-table.ts';
import { TokenTable } from '../store/token-table.ts';
import { PLUGIN, SECRET } from './gateway-calls.ts';

/** Jest runs files side by side; each room has a Redis database of its own. */
export type RedisDatabase = 7 | 8 | 9;

export type Handled = WebhookAnswer | 'throws' | 'not-enabled';
export type Handler = (delivery: WebhookDelivery) => Promise<Handled> | Handled;

/** A gateway that can be killed as machines kill. */
export interface GatewayProcess {
  url: string;
  kill(): Promise<void>;
}

export interface RunnerOptions {
  tenant?: string;
  isEnabled?: () => boolean;
  webhooks?: SurfaceWebhook[];
  /** The plugin's secrets by their place, as an admin has set them. */
  secrets?: () => Record<string, string>;
}

/** RabbitMQ, PostgreSQL, Redis and gateways for one test file; runners with one enabled plugin that does what the test says. */
export class GatewayRoom {
  readonly rabbit: PrivateBroker;
  readonly database: TestDatabase;
  readonly sql: pg.Client;
  readonly #redis: Redis;
  readonly #redisUrl: string;
  readonly #keys = makeKeys();
  readonly #key = randomBytes(32);
  readonly #box = secretBox([{ kid: 't1', key: this.#key }]);
  /** What the plugin offers to each tenant; nothing while it is not enabled. */
  readonly #offered = new Map<string, () => SurfaceWebhook[] | undefined>();
  readonly #secrets = new Map<string, () => Record<string, string>>();
  readonly #cleanups: (() => Promise<unknown>)[] = [];
  #installer: { stop(): Promise<void> } | undefined;

  private constructor(rabbit: PrivateBroker, database: TestDatabase, sql: pg.Client, redisUrl: string) {
    this.rabbit = rabbit;
    this.database = database;
    this.sql = sql;
    this.#redisUrl = redisUrl;
    this.#redis = new Redis(redisUrl);
  }

  static async open(redisDatabase: RedisDatabase): Promise<GatewayRoom> {
    const [rabbit, database] = await Promise.all([startPrivateBroker(), createDatabase()]);
    const sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
    return new GatewayRoom(rabbit, database, sql, `${backingServices().redisUrl}/${redisDatabase}`);
  }

  /** Ends what the test has started, and leaves nothing of it. */
  async clear(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup();
    this.#offered.clear();
    this.#secrets.clear();
    await this.sql.query(`TRUNCATE ${TABLES.map((table) => `webhook_gateway.${table}`).join(', ')}`);
    await this.#redis.flushdb();
  }

  async close(): Promise<void> {
    await this.sql.end();
    this.#redis.disconnect();
    await this.database.drop();
    await this.rabbit.stop();
  }

  async gateway(env: Record<string, string> = {}, log: Logger = createLogger('webhook-gateway-test', 'silent')) {
    const closers = new Closers();
    const config = readConfig(this.#environment(env));
    const stop = () => closers.closeAll(10_000);
    this.#cleanups.push(stop);
    const http = await startWebhookGateway(config, closers, log);
    return { url: http.url, stop };
  }

  async gatewayProcess(env: Record<string, string> = {}): Promise<GatewayProcess> {
    const main = new URL('../main.ts', import.meta.url).pathname;
    const port = await freePort();
    const child = spawn(process.execPath, [main], {
      env: this.#environment({ PORT: String(port), LOG_LEVEL: 'silent', ...env }),
      stdio: 'ignore',
    });
    const gone = once(child, 'exit');
    const kill = async () => {
      child.kill('SIGKILL');
      await gone;
    };
    this.#cleanups.push(kill);
    const url = `http://127.0.0.1:${port}`;
    await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200));
    return { url, kill };
  }

  /** A runner with one enabled plugin of a tenant (acme, unless said), whose webhooks do what `handle` says. */
  async runner(handle: Handler, options: RunnerOptions = {}): Promise<FakeRunner> {
    const { tenant = 'acme', isEnabled = () => true, secrets } = options;
    const webhooks = options.webhooks ?? [{ name: 'issue-updated', methods: ['POST', 'PUT'] }];
    this.#offered.set(tenant, () => (isEnabled() ? webhooks : undefined));
    if (secrets !== undefined) this.#secrets.set(tenant, secrets);
    const answers = [
      answering(FindSurface, ({ pluginId }, { tenant: asked }) => {
        const offered = pluginId === PLUGIN ? this.#offered.get(asked ?? '')?.() : undefined;
        return offered === undefined ? null : { ...emptySurface, webhooks: offered };
      }),
    ];
    const work = ({ payload, tenant: owner }: ReceivedWork, broker: FakeRunner['broker']) =>
      handled(payload as WebhookDelivery, owner, handle, broker);
    const runner = await startFakeRunner({ brokerUrl: this.rabbit.url, tenant, work, answers });
    this.#cleanups.push(() => runner.close());
    if (secrets !== undefined) await this.#answerAsInstaller(runner);
    return runner;
  }

  /** As an admin would have set them. */
  setSecrets(tenant: string, secrets: Record<string, string>): void {
    this.#secrets.set(tenant, () => secrets);
  }

  /** From now on nobody answers for the installer. */
  async endInstaller(): Promise<void> {
    await this.#installer?.stop();
  }

  /** Holds whatever the statement locks until it is let go. */
  async holding(statement: string): Promise<() => Promise<void>> {
    const client = new pg.Client({ connectionString: this.database.url });
    await client.connect();
    await client.query('BEGIN');
    await client.query(statement);
    return async () => {
      await client.query('ROLLBACK');
      await client.end();
    };
  }

  /** Resolves once somebody stands before a lock with such a statement. */
  async standsBefore(statement: string): Promise<void> {
    await eventually(async () => {
      const { rows } = await this.sql.query(
        `SELECT query FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1`,
        [`%${statement}%`],
      );
      expect(rows).not.toEqual([]);
    });
  }

  /** Whether a request of the tenant has passed the limit in this minute. */
  async hasBeenCounted(tenant: string): Promise<boolean> {
    return (await this.#redis.exists(`webhook-gateway:requests:${tenant}/${PLUGIN}`)) === 1;
  }

  /** As if the minute were over. */
  async forgetCounts(): Promise<void> {
    await this.#redis.flushdb();
  }

  /** Work on the gateways' tables, as a gateway does it. */
  async inDatabase(work: (database: Database) => Promise<void>): Promise<void> {
    const log = createLogger('webhook-gateway-test', 'silent');
    const options = { url: this.database.url, schema: 'webhook_gateway', entities: [TokenTable, RequestTable], log };
    const database = await openDatabase({ ...options, migrations: [] });
    await work(database).finally(() => database.close());
  }

  /** What the test ends by itself is not ended again. */
  forgetLast(): void {
    this.#cleanups.pop();
  }

  onClear(cleanup: () => Promise<unknown>): void {
    this.#cleanups.push(cleanup);
  }

  /** Asks as a runner does. */
  serviceToken(tenant: string): Promise<string> {
    const { signingKeys, trustedKeys } = this.#keys;
    const signingKey = signingKeys['plugin-runner'];
    const tokens = serviceTokens({ service: 'plugin-runner', signingKey, trustedKeys: trustedKeys.split(',') });
    return tokens.sign({ audience: 'webhook-gateway', tenant });
  }

  async stored(): Promise<Record<string, unknown>[]> {
    const { rows } = await this.sql.query<Record<string, unknown>>(
      'SELECT * FROM webhook_gateway.requests ORDER BY received_at',
    );
    return rows;
  }

  async #answerAsInstaller({ broker }: FakeRunner): Promise<void> {
    const sealed = answering(FindSealedSecrets, ({ keys }, { tenant }) => {
      const secrets = this.#secrets.get(tenant ?? '')?.();
      return secrets === undefined ? null : this.#sealed(tenant ?? '', secrets, keys);
    });
    const installer = await broker.answerQuestions('installer', [sealed]);
    this.#installer = installer;
    this.#cleanups.push(() => installer.stop());
  }

  #sealed(tenant: string, secrets: Record<string, string>, keys: string[]): Record<string, string> {
    const asked = Object.entries(secrets).filter(([field]) =>
      keys.some((key) => field === key || field.startsWith(`${key}/`)),
    );
    return Object.fromEntries(
      asked.map(([field, secret]) => [field, this.#box.seal(secret, { tenant, pluginId: PLUGIN, field })]),
    );
  }

  #environment(env: Record<string, string>): Record<string, string> {
    return {
      ...{ PORT: '0', JWT_SECRET: SECRET, BROKER_URL: this.rabbit.url },
      ...{ DATABASE_URL: this.database.url, REDIS_URL: this.#redisUrl },
      ...{ SERVICE_SIGNING_KEY: this.#keys.signingKeys['webhook-gateway'] },
      ...{ SERVICE_TRUSTED_KEYS: this.#keys.trustedKeys, PLUGIN_SECRETS_KEY: `t1:${this.#key.toString('base64')}` },
      ...{ SWEEP_MS: '300', PUBLIC_URL: 'https://hooks.example.com', WEBHOOK_HOST_SUFFIX: 'hooks.test', ...env },
    };
  }
}

const TABLES = [
  ...['requests', 'body_chunks', 'delivery_ids', 'endpoint_tokens', 'known_webhooks', 'known_secrets', 'rate_limits'],
  ...['webhook_settings', 'sender_accounts', 'throttles'],
];

async function handled(
  delivery: WebhookDelivery,
  tenant: string | null,
  handle: Handler,
  broker: FakeRunner['broker'],
): Promise<WebhookOutcome> {
  const { pluginId, webhook, requestId } = delivery;
  const answer = await handle(delivery);
  const about = { pluginId, webhook, requestId, tookMs: 1.5 };
  const outcome: WebhookOutcome =
    answer === 'throws'
      ? { ...about, outcome: 'failed', error: { message: 'it broke' } }
      : answer === 'not-enabled'
        ? { ...about, outcome: answer }
        : { ...about, outcome: 'answered', answer };
  await broker.publish(WebhookFinished, { tenant, payload: outcome });
  return outcome;
}
