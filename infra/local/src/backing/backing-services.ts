import { rmSync } from 'node:fs';
import { claimFolder, type ClaimedFolder } from '../claimed-folder.ts';
import { StartError, reasonOf } from '../start-error.ts';
import { startComposeServices } from './compose.ts';
import { startContainers } from './containers.ts';
import { hasDockerEngine } from './docker-engine.ts';
import { serviceFromEnvironment, variableOf } from './from-environment.ts';
import { forgetWay, keepWay, keptWay, otherWayChosen, unreachable, type OwnWay } from './kept-way.ts';
import { removeOutsideHome } from './postgres.ts';
import { ensureInstalled, startProgram } from './programs.ts';
import type { RunningService, ServiceName, Way } from './running-service.ts';

export type { ServiceName, Way } from './running-service.ts';

export interface BackingOptions {
  /** Holds the data of services we start ourselves; one process uses it at a time. */
  folder: string;
  /** Data survives a stop. Otherwise the folder is removed at the end. */
  persistent: boolean;
  /** Begins with no data. */
  fresh?: boolean;
  only?: ServiceName[];
  env?: NodeJS.ProcessEnv;
  /** Before BROKER_URL, DATABASE_URL and REDIS_URL: tests look for TEST_BROKER_URL, never for the data people work with. */
  variablePrefix?: '' | 'TEST_';
  log?: (line: string) => void;
  /** A service that keeps its data dies again and again, and is no longer started again. */
  onGivenUp?: (error: StartError) => void;
  /** Ends a start that is under way. */
  signal?: AbortSignal | undefined;
}

export interface BackingServices {
  readonly brokerUrl: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly how: Partial<Record<ServiceName, Way>>;
  restartBroker(): Promise<void>;
  /** Ends the broker without a word; `restartBroker` brings it back with its durable data. */
  killBroker(): Promise<void>;
  stop(): Promise<void>;
}

type Started = Map<ServiceName, RunningService>;

/**
 * RabbitMQ, PostgreSQL and Redis, by the first way that works: addresses from the environment, Docker, installed programs,
 * programs installed now. `BACKING_SERVICES=environment|docker|programs` allows one way only; otherwise data that is kept
 * decides between Docker and programs, because the other way would begin with none.
 * Resolves when all of them answer their own protocol; rejects with a StartError and leaves nothing running.
 */
export async function startBackingServices(options: BackingOptions): Promise<BackingServices> {
  const folder = await claimFolder(options.folder);
  const started: Started = new Map();
  try {
    await startAll(options, folder, started);
  } catch (error) {
    await stopAll(options, folder, started);
    throw error;
  }
  const broker = (): RunningService => {
    const service = started.get('rabbitmq');
    if (service === undefined) throw new Error('No broker was asked for');
    return service;
  };
  return {
    brokerUrl: started.get('rabbitmq')?.url ?? '',
    databaseUrl: started.get('postgres')?.url ?? '',
    redisUrl: started.get('redis')?.url ?? '',
    how: Object.fromEntries([...started].map(([name, service]) => [name, service.how])),
    restartBroker: () => broker().restart(),
    killBroker: () => broker().kill(),
    stop: () => stopAll(options, folder, started),
  };
}

async function startAll(options: BackingOptions, folder: ClaimedFolder, started: Started): Promise<void> {
  const { persistent, signal, fresh = false, variablePrefix = '', log = () => undefined, env = process.env } = options;
  const wanted = options.only ?? ['rabbitmq', 'postgres', 'redis'];
  const missing = (): ServiceName[] => wanted.filter((name) => !started.has(name));
  const forced = forcedWay(env);
  if (fresh) emptyFolder(folder);

  if (forced === undefined || forced === 'environment') {
    await together(wanted, started, (name) => serviceFromEnvironment(name, variablePrefix, env, signal));
  }
  if (missing().length === 0) return;
  if (forced === 'environment') {
    const variables = missing().map((name) => `${variablePrefix}${variableOf[name]}`);
    throw new StartError(`BACKING_SERVICES=environment needs ${variables.join(', ')}; set what is missing`);
  }
  const kept = persistent ? keptWay(folder.path) : undefined;
  if (kept !== undefined && forced !== undefined && forced !== kept) log(otherWayChosen(kept, forced));
  try {
    const way = await startOwn(forced ?? kept, missing(), options, folder, started);
    if (persistent) keepWay(folder.path, way);
  } catch (error) {
    if (kept === undefined || forced !== undefined || signal?.aborted === true) throw error;
    throw unreachable(kept, reasonOf(error));
  }
}

/** Starts what nobody gave us, in the way that is wished for or else in the first that works, and returns which one that was. */
async function startOwn(
  wish: OwnWay | undefined,
  names: ServiceName[],
  options: BackingOptions,
  folder: ClaimedFolder,
  started: Started,
): Promise<OwnWay> {
  const { persistent, signal, fresh = false, log = () => undefined, env = process.env } = options;
  const { onGivenUp = () => undefined } = options;
  if (wish === 'docker' || (wish === undefined && (await hasDockerEngine(env)))) {
    const start = persistent ? startComposeServices : startContainers;
    try {
      for (const [name, service] of await start(names, { env, fresh, log, signal })) started.set(name, service);
      return 'docker';
    } catch (error) {
      if (wish === 'docker' || signal?.aborted === true) throw error;
      log(`Docker cannot be used (${reasonOf(error)}); going on with programs of this machine`);
    }
  }
  await ensureInstalled(names, env, log);
  // One without data would come back as another than it was.
  const revival = persistent ? { log, onGivenUp } : undefined;
  await together(names, started, (name) => startProgram(name, { folder, persistent, env, revival, signal }));
  return 'programs';
}

/** Starts side by side; when one fails, the others are known to the caller before it hears of the failure. */
async function together(
  names: ServiceName[],
  started: Started,
  start: (name: ServiceName) => Promise<RunningService | undefined>,
): Promise<void> {
  const outcomes = await Promise.allSettled(
    names.map(async (name) => {
      const service = await start(name);
      if (service !== undefined) started.set(name, service);
    }),
  );
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

async function stopAll(options: BackingOptions, folder: ClaimedFolder, started: Started): Promise<void> {
  const outcomes = await Promise.allSettled([...started.values()].map((service) => service.stop()));
  started.clear();
  folder.release();
  if (!options.persistent) {
    rmSync(folder.path, { recursive: true, force: true });
    removeOutsideHome(folder.path);
  }
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

function emptyFolder(folder: ClaimedFolder): void {
  for (const name of ['rabbitmq', 'postgres', 'redis'])
    rmSync(`${folder.path}/${name}`, { recursive: true, force: true });
  removeOutsideHome(folder.path);
  forgetWay(folder.path);
}

function forcedWay(env: NodeJS.ProcessEnv): Way | undefined {
  const way = env['BACKING_SERVICES'];
  if (way === undefined || way === '') return undefined;
  if (way === 'environment' || way === 'docker' || way === 'programs') return way;
  throw new StartError(`BACKING_SERVICES is "${way}"; it may be environment, docker or programs`);
}
