import { connectBroker, type Broker } from '@verifywise/broker';
import {
  JobFinished,
  ListJobs,
  RunJob,
  ScheduleJob,
  type JobOutcome,
  type JobRun,
  type ScheduleTiming,
} from '@verifywise/contracts';
import { Closers, createLogger } from '@verifywise/service-kit';
import { Redis } from 'ioredis';
import { SignJWT } from 'jose';
import pg from 'pg';
import { backingServices } from '../../../../test/support/backing-services.ts';
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts';
import { startFakeRunner, type FakeRunner, type ReceivedWork } from '../../../../test/support/fake-runner.ts';
import { startPrivateBroker, type PrivateBroker } from '../../../../test/support/private-broker.ts';
import { readConfig } from '../config.ts';
import { startScheduler } from '../service.ts';

export const PLUGIN = 'activity-feed';
const SECRET = 'a-secret-of-the-tests-that-is-long-enough';
const log = createLogger('scheduler-test', 'silent');

export interface RunningScheduler {
  url: string;
  stop(): Promise<void>;
}

interface Request {
  method?: string;
  tenant?: string;
  role?: string;
  key?: string;
}

/** Schedulers, and runners whose plugins do as they are told, on services of one test file's own. */
export class SchedulerRoom {
  readonly rabbit: PrivateBroker;
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly sql: pg.Client;
  readonly asker: Broker;
  readonly #database: TestDatabase;
  readonly #cleanups: (() => Promise<unknown>)[] = [];

  private constructor(parts: {
    rabbit: PrivateBroker;
    database: TestDatabase;
    redisUrl: string;
    sql: pg.Client;
    asker: Broker;
  }) {
    this.rabbit = parts.rabbit;
    this.redisUrl = parts.redisUrl;
    this.redis = new Redis(parts.redisUrl);
    this.sql = parts.sql;
    this.asker = parts.asker;
    this.#database = parts.database;
  }

  /** Two files that run side by side have databases of Redis of their own. */
  static async open(redisDatabase: number): Promise<SchedulerRoom> {
    const [rabbit, database] = await Promise.all([startPrivateBroker(), createDatabase()]);
    const sql = new pg.Client({ connectionString: database.url });
    await sql.connect();
    const asker = await connectBroker({ url: rabbit.url, source: 'test', log });
    return new SchedulerRoom({
      rabbit,
      database,
      redisUrl: `${backingServices().redisUrl}/${redisDatabase}`,
      sql,
      asker,
    });
  }

  /** Ends what a test has begun, and forgets what it has scheduled. */
  async clear(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup();
    await this.sql.query('TRUNCATE scheduler.fires, scheduler.schedules, scheduler.plugin_states');
  }

  async close(): Promise<void> {
    await this.asker.close();
    await this.sql.end();
    await this.redis.flushdb();
    this.redis.disconnect();
    await this.#database.drop();
    await this.rabbit.stop();
  }

  onClear(cleanup: () => Promise<unknown>): void {
    this.#cleanups.push(cleanup);
  }

  /** What a scheduler reads from its environment. */
  settings(env: Record<string, string> = {}): Record<string, string> {
    return {
      ...{ PORT: '0', JWT_SECRET: SECRET, BROKER_URL: this.rabbit.url, DATABASE_URL: this.#database.url },
      ...{ REDIS_URL: this.redisUrl, SWEEP_MS: '500', ...env },
    };
  }

  async scheduler(env: Record<string, string> = {}): Promise<RunningScheduler> {
    const closers = new Closers();
    const stop = () => closers.closeAll(10_000);
    this.onClear(stop);
    const http = await startScheduler(readConfig(this.settings(env)), closers, log);
    return { url: http.url, stop };
  }

  /** A runner whose handlers do what `handle` says with each run. */
  async runner(tenant: string, handle: (run: JobRun) => JobOutcome['outcome'] | 'silent'): Promise<FakeRunner> {
    const work = async ({ type, payload, tenant: owner }: ReceivedWork, broker: Broker) => {
      if (type !== RunJob.name) return;
      const run = payload as JobRun;
      const outcome = handle(run);
      if (outcome !== 'silent') await finish(broker, owner as string, run, outcome);
    };
    const runner = await startFakeRunner({ brokerUrl: this.rabbit.url, tenant, work });
    this.onClear(() => runner.close());
    return runner;
  }

  schedule(tenant: string, name: string, timing: ScheduleTiming, data: unknown = null, pluginId = PLUGIN) {
    return this.asker.ask(ScheduleJob, { tenant, payload: { pluginId, name, timing, data } });
  }

  list(tenant: string) {
    return this.asker.ask(ListJobs, { tenant, payload: { pluginId: PLUGIN } });
  }

  async rows<Row extends pg.QueryResultRow>(query: string, params: unknown[] = []): Promise<Row[]> {
    return (await this.sql.query<Row>(query, params)).rows;
  }
}

export function finish(broker: Broker, tenant: string, run: JobRun, outcome: JobOutcome['outcome']): Promise<void> {
  const { pluginId, schedule, fireId, attempt } = run;
  const error = outcome === 'failed' ? { error: { message: 'it broke' } } : {};
  return broker.publish(JobFinished, {
    tenant,
    payload: { pluginId, schedule, fireId, attempt, outcome, tookMs: 1, ...error },
  });
}

export function runsOf(runner: FakeRunner): JobRun[] {
  return runner.received.map(({ payload }) => payload as JobRun);
}

/** Asks a scheduler over HTTP, as an admin of acme unless said otherwise. */
export async function http(
  url: string,
  path: string,
  { method = 'GET', tenant = 'acme', role = 'Admin', key }: Request = {},
) {
  const token = await new SignJWT({ tenant, role })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('1')
    .setExpirationTime('1m')
    .sign(new TextEncoder().encode(SECRET));
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(key === undefined ? {} : { 'idempotency-key': key }) },
  });
  return { status: answer.status, body: (await answer.json()) as Body };
}

interface Body {
  success: boolean;
  data?: Record<string, unknown>[] & Record<string, unknown>;
  error?: { code: string; message: string };
}
