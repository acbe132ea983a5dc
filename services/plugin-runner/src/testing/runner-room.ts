import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answering, connectBroker } from '@verifywise/broker';
import type { Broker, QuestionAnswer } from '@verifywise/broker';
import type { Installation, LifecycleHook, RunHookRequest, StepOutcome } from '@verifywise/contracts';
import {
  ApplyInstallation,
  FindHolder,
  ForgetInstallation,
  ListInstallations,
  RunHook,
  fact,
} from '@verifywise/contracts';
import { createLogger } from '@verifywise/service-kit';
import { inPostgres } from '../../../../infra/local/src/backing/handshakes.ts';
import { backingServices } from '../../../../test/support/backing-services.ts';
import { cleanBroker } from '../../../../test/support/clean-broker.ts';
import { createDatabase } from '../../../../test/support/database.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import type { TestDatabase } from '../../../../test/support/database.ts';
import { zipOf } from '../package/fixtures/zip-of.ts';
import { coreReaders } from '../store/plugin-database/plugin-names.ts';
import { PARTITIONS, RunnerProcess } from './runner-process.ts';

/** Long enough for a runner that takes over first. */
const STEP_DEADLINE_MS = 25_000;

export interface TestPlugin {
  tenant: string;
  /** What `index.js` says, or every file of the package. */
  code: string | Record<string, string>;
  id?: string;
  version?: string;
  granted?: string[];
  manifest?: Record<string, unknown>;
  config?: Installation['config'];
}

export interface RoomOptions {
  brokerUrl?: string;
  /** What else the installer of this room answers. */
  answers?: (room: RunnerRoom) => QuestionAnswer[];
}

/** The installer and everything else around the runners of a test: its truth, its packages, its operations. */
export class RunnerRoom {
  readonly broker: Broker;
  readonly truth = new Map<string, Installation>();
  readonly #brokerUrl: string;
  readonly #database: TestDatabase;
  readonly #store: Server;
  readonly #scratch: string;
  readonly #packages = new Map<string, Buffer>();
  readonly #runners: RunnerProcess[] = [];
  #generation = 0;

  private constructor(broker: Broker, brokerUrl: string, database: TestDatabase, scratch: string) {
    this.broker = broker;
    this.#brokerUrl = brokerUrl;
    this.#database = database;
    this.#scratch = scratch;
    this.#store = createServer((req, res) => {
      const bytes = this.#packages.get(decodeURIComponent(req.url?.split('/').at(-1) ?? ''));
      res.statusCode = bytes ? 200 : 404;
      res.end(bytes);
    });
  }

  static async open({ brokerUrl = backingServices().brokerUrl, answers }: RoomOptions = {}): Promise<RunnerRoom> {
    await cleanBroker(brokerUrl, PARTITIONS);
    const database = await createDatabase();
    const scratch = await mkdtemp(join(tmpdir(), 'vwr-'));
    const log = createLogger('test', 'silent');
    const broker = await connectBroker({ url: brokerUrl, source: 'installer', partitions: PARTITIONS, log });
    const room = new RunnerRoom(broker, brokerUrl, database, scratch);
    await broker.answerQuestions('installer', [
      answering(ListInstallations, () => ({ installations: [...room.truth.values()] })),
      ...(answers?.(room) ?? []),
    ]);
    await new Promise<void>((resolve) => room.#store.listen(0, '127.0.0.1', resolve));
    return room;
  }

  async close(): Promise<void> {
    await this.stopRunners();
    await this.broker.close();
    this.#store.close();
    const roles = await pluginRoles(this.#database.url);
    await this.#database.drop();
    await dropRoles(roles);
    await rm(this.#scratch, { recursive: true, force: true });
  }

  get scratch(): string {
    return this.#scratch;
  }

  get databaseUrl(): string {
    return this.#database.url;
  }

  /** What the runners' database says. */
  async rows<Row>(sql: string, parameters: unknown[] = []): Promise<Row[]> {
    return inPostgres(this.databaseUrl, async (client) => (await client.query(sql, parameters)).rows as Row[]);
  }

  async startRunner(env: Record<string, string> = {}): Promise<RunnerProcess> {
    const { port } = this.#store.address() as { port: number };
    const runner = await RunnerProcess.start({
      BROKER_URL: this.#brokerUrl,
      DATABASE_URL: this.#database.url,
      INSTALLER_URL: `http://127.0.0.1:${port}`,
      RUNNER_SCRATCH_FOLDER: this.#scratch,
      ...env,
    });
    this.#runners.push(runner);
    return runner;
  }

  /** Resolves when every partition is held by the runner that should: a hand-over in the middle of a test ends what it looks at. */
  async balanced(): Promise<void> {
    const [runner] = this.#runners;
    if (!runner) throw new Error('No runner has been started');
    const partitions = Array.from({ length: PARTITIONS }, (_nothing, partition) => partition);
    await Promise.all(partitions.map((partition) => this.#heldByOwner(runner, partition)));
  }

  async #heldByOwner(runner: RunnerProcess, partition: number): Promise<void> {
    await eventually(async () => {
      const holder = await this.broker.ask(FindHolder, { tenant: null, partition, payload: { partition } });
      const answer = await runner.fetch('platform', '/internal/cluster', { role: 'Operator' });
      const { data } = (await answer.json()) as {
        data: { runners: unknown[]; partitions: { partition: number; assigned: { owner: string } | null }[] };
      };
      const assigned = data.partitions.find((one) => one.partition === partition)?.assigned;
      if (data.runners.length !== this.#runners.length || assigned?.owner !== holder.runnerId) {
        throw new Error(`Partition ${partition} is held by ${holder.runnerId}, not by ${assigned?.owner ?? 'anybody'}`);
      }
    });
  }

  async stopRunners(): Promise<void> {
    await Promise.all(this.#runners.splice(0).map((runner) => runner.stop('SIGTERM')));
  }

  /** An installation as the installer knows it after its download; nothing of it has run. */
  async install(plugin: TestPlugin): Promise<Installation> {
    const { tenant, code, id = 'recorder', version = '1.0.0', granted = ['events:listen', 'events:emit'] } = plugin;
    const manifest = { id, name: id, version, permissions: granted, config: {}, ...plugin.manifest };
    const files = typeof code === 'string' ? { 'index.js': code } : code;
    const bytes = await zipOf({ 'manifest.json': JSON.stringify(manifest), ...files });
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    this.#packages.set(digest, bytes);
    const installation = {
      tenant,
      pluginId: id,
      version,
      package: { digest, size: bytes.length },
      manifest,
      granted,
      config: plugin.config ?? { values: {}, secrets: {} },
      state: 'installing',
      desired: 'disabled',
      generation: this.nextGeneration(),
    } as unknown as Installation;
    this.truth.set(`${tenant}/${id}`, installation);
    return installation;
  }

  nextGeneration(): number {
    return (this.#generation += 1);
  }

  /** One step of an operation: a snapshot of what is to be, newer than all before; the truth stays what it was. */
  async step(
    installation: Installation,
    hook: LifecycleHook,
    aim: Pick<Installation, 'state' | 'desired'>,
    options: RunHookRequest['options'] = {},
  ): Promise<{ outcome: StepOutcome; snapshot: Installation }> {
    const snapshot = { ...installation, ...aim, generation: this.nextGeneration() };
    return { snapshot, outcome: await this.send(snapshot, hook, options) };
  }

  send(
    installation: Installation,
    hook: LifecycleHook,
    options: RunHookRequest['options'] = {},
    { stepId = randomUUID(), limitMs = 10_000 } = {},
  ): Promise<StepOutcome> {
    const { tenant } = installation;
    const payload = { stepId, operationId: randomUUID(), installation, hook, options, limitMs };
    return this.broker.sendAndWait(RunHook, { tenant, payload }, { deadlineMs: STEP_DEADLINE_MS });
  }

  /** The operation has ended in this; the runner is told. */
  async settle(installation: Installation): Promise<Installation> {
    const { tenant, pluginId } = installation;
    this.truth.set(`${tenant}/${pluginId}`, installation);
    await this.broker.send(ApplyInstallation, { tenant, payload: { installation } });
    return installation;
  }

  async forget({ tenant, pluginId }: Installation): Promise<void> {
    this.truth.delete(`${tenant}/${pluginId}`);
    await this.broker.send(ForgetInstallation, { tenant, payload: { pluginId, generation: this.nextGeneration() } });
  }

  async enable(installation: Installation): Promise<Installation> {
    await this.stepDone(installation, 'onInstall', { state: 'installed', desired: 'disabled' });
    const loaded = await this.stepDone(installation, 'onLoad', { state: 'installed', desired: 'disabled' });
    await this.settle(loaded);
    return this.settle(await this.stepDone(installation, 'onEnable', { state: 'enabled', desired: 'enabled' }));
  }

  async disable(installation: Installation): Promise<Installation> {
    return this.settle(await this.stepDone(installation, 'onDisable', { state: 'disabled', desired: 'disabled' }));
  }

  async stepDone(
    installation: Installation,
    hook: LifecycleHook,
    aim: Pick<Installation, 'state' | 'desired'>,
    options: RunHookRequest['options'] = {},
  ): Promise<Installation> {
    const { outcome, snapshot } = await this.step(installation, hook, aim, options);
    if (outcome.kind === 'failed') throw new Error(`${hook}: ${outcome.error.message}\n${outcome.error.stack ?? ''}`);
    return snapshot;
  }

  /** Installs and enables in one go. */
  async enabled(plugin: TestPlugin): Promise<Installation> {
    return this.enable(await this.install(plugin));
  }

  async emitRisk(tenant: string, riskId: number): Promise<string> {
    const id = randomUUID();
    const payload = { tenant, eventId: id, riskId, timestamp: new Date().toISOString() };
    await this.broker.publish(fact('risk.created'), { id, tenant, payload });
    return id;
  }
}

/** Roles belong to the whole server and outlive the database of a test. */
async function pluginRoles(url: string): Promise<string[]> {
  const sql = `SELECT unnest(ARRAY[writer_role, reader_role]) AS role FROM plugin_runner.plugin_databases`;
  // A room whose runners never started has no such table.
  return inPostgres(url, async (client) =>
    (await client.query<{ role: string }>(sql)).rows.map(({ role }) => role),
  ).then(
    (roles) => [...roles, coreReaders(new URL(url).pathname.slice(1))],
    () => [],
  );
}

async function dropRoles(roles: string[]): Promise<void> {
  if (roles.length === 0) return;
  const { databaseUrl } = backingServices();
  await inPostgres(databaseUrl, (client) => client.query(`DROP ROLE IF EXISTS ${roles.join(', ')}`));
}
