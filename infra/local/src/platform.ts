import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startBackingServices, type BackingServices } from './backing/backing-services.ts';
import { freePort } from './backing/free-port.ts';
import { claimFolder, type ClaimedFolder } from './claimed-folder.ts';
import { forgetAddresses, keepAddresses, type Addresses } from './local-addresses.ts';
import { keepKeys, type PlatformKeys } from './platform-keys.ts';
import {
  commandOf,
  registryCommand,
  scratchFolder,
  urlAt,
  type Service,
  type Surroundings,
} from './platform-processes.ts';
import { assertPortsFree, freePorts, listenerNames, type Listener, type Ports } from './ports.ts';
import { reasonOf, type StartError } from './start-error.ts';
import { startTogether } from './start-together.ts';
import { superviseProcess, type SupervisedCommand, type SupervisedProcess } from './supervised-process.ts';

/** A service drains within its own deadline, which is shorter. */
const SERVICE_STOPS_WITHIN_MS = 10_000;

const platformServices = [
  'demo-platform',
  'registry-cache',
  'installer',
  'plugin-runner',
  'scheduler',
  'webhook-gateway',
] as const;

export interface PlatformOptions {
  /** Logs, keys and the data of backing services; one process uses it at a time. */
  folder: string;
  /** Data survives a stop. Otherwise the folder is removed at the end, unless the start failed. */
  persistent: boolean;
  /** Begins with no data. */
  fresh?: boolean;
  /** Free ones unless given. */
  ports?: Ports;
  runners?: number;
  /** Backing services that run already and stay when the platform stops. */
  backing?: Addresses;
  /** The environment we were started in. */
  env?: NodeJS.ProcessEnv;
  /** Settings that every process gets on top of what it needs. */
  settings?: Record<string, string>;
  settingsOf?: Partial<Record<Listener, Record<string, string>>>;
  /** Programs that run in the place of a service's own, by their path from the repository's root: tests make a service die where they want. */
  programs?: Partial<Record<Listener, string>>;
  log?: (line: string) => void;
  /** A process dies again and again; the platform is no longer whole. */
  onGivenUp?: (error: StartError) => void;
  /** Ends a start that is under way. */
  signal?: AbortSignal;
}

export interface Platform {
  readonly folder: string;
  readonly urls: Readonly<Record<Listener, string>>;
  readonly backing: Addresses & Partial<BackingServices>;
  /** `plugin-runner`, `plugin-runner-2`, ... and the services by their own names. */
  readonly processNames: readonly string[];
  pid(name: string): number | undefined;
  /** Sends a signal; a process that dies of it is started again. */
  kill(name: string, signal: NodeJS.Signals): void;
  /** Resolves when the process answers that it is ready, also after it died. */
  ready(name: string): Promise<void>;
  restart(name: string): Promise<void>;
  /** Ends one process for good. */
  end(name: string): Promise<void>;
  /** Starts one more process of a service, on a free port. */
  startAnother(service: Service): Promise<{ name: string; url: string }>;
  /** `keepFolder` leaves the logs also where nothing was to survive, for whoever looks for a reason in them. */
  stop(how?: { keepFolder: boolean }): Promise<void>;
}

type Closer = () => unknown;

/**
 * The whole platform on this machine: backing services, local registry, demo platform and the five services.
 * Resolves when every process is ready; rejects with a StartError and leaves nothing running.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const closers: Closer[] = [];
  const stop = async (): Promise<void> => {
    const problems: unknown[] = [];
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
      try {
        await close();
      } catch (error) {
        problems.push(error);
      }
    }
    if (problems.length > 0) throw new Error(problems.map(reasonOf).join('; '));
  };
  const leaving = { keepFolder: options.persistent };
  const stopAs = ({ keepFolder }: { keepFolder: boolean }): Promise<void> => {
    leaving.keepFolder ||= keepFolder;
    return stop();
  };
  try {
    return await startInOrder(options, closers, stopAs, leaving);
  } catch (error) {
    // The reason points at a log in it; the next run removes what nobody claims.
    await stopAs({ keepFolder: true });
    throw error;
  }
}

async function startInOrder(
  options: PlatformOptions,
  closers: Closer[],
  stop: (how: { keepFolder: boolean }) => Promise<void>,
  leaving: { keepFolder: boolean },
): Promise<Platform> {
  const { log = () => undefined, onGivenUp = () => undefined } = options;
  const ports = options.ports ?? (await freePorts());
  const folder = await claimFolder(options.folder);
  closers.push(() => leaveFolder(folder, leaving.keepFolder));
  // One that was killed has left its own.
  forgetAddresses(folder.path);
  closers.push(() => forgetAddresses(folder.path));
  await assertPortsFree(ports);
  closers.push(() => rmSync(scratchFolder(folder.path), { recursive: true, force: true }));

  const processes = new Map<string, SupervisedProcess>();
  const launch = async (command: SupervisedCommand, signal?: AbortSignal): Promise<void> => {
    const started = await superviseProcess(command, { folder, log, onGivenUp, signal });
    processes.set(started.name, started);
    closers.push(() => started.stop(SERVICE_STOPS_WITHIN_MS));
  };

  const place = { folder: folder.path, ports, env: options.env ?? process.env };
  const [backing] = await startTogether<[Platform['backing'], unknown]>(
    (signal) => [
      options.backing === undefined
        ? startOwnBacking(options, folder, closers, signal)
        : Promise.resolve(options.backing),
      launch(registryCommand(place), signal),
    ],
    options.signal,
  );
  keepAddresses(folder.path, backing);
  const around: Surroundings = {
    ...place,
    keys: keysOf(folder, options.fresh === true && !isGiven(backing)),
    addresses: backing,
    settings: options.settings ?? {},
    settingsOf: options.settingsOf ?? {},
    programs: options.programs ?? {},
  };
  const counts = new Map<Service, number>();
  const startAnother = async (service: Service, signal?: AbortSignal): Promise<{ name: string; url: string }> => {
    const number = (counts.get(service) ?? 1) + 1;
    counts.set(service, number);
    const [name, port] = [`${service}-${number}`, await freePort()];
    await launch(commandOf(service, around, { name, port }), signal);
    return { name, url: urlAt(port) };
  };
  await startTogether(
    (signal) => [
      ...platformServices.map((service) => launch(commandOf(service, around), signal)),
      ...Array.from({ length: (options.runners ?? 1) - 1 }, () => startAnother('plugin-runner', signal)),
    ],
    options.signal,
  );
  closers.push(() => stopProcesses(processes));

  const find = (name: string): SupervisedProcess => {
    const found = processes.get(name);
    if (found === undefined) throw new Error(`There is no process ${name}, only ${[...processes.keys()].join(', ')}`);
    return found;
  };
  return {
    folder: folder.path,
    urls: Object.fromEntries(listenerNames.map((name) => [name, urlAt(ports[name])])) as Record<Listener, string>,
    backing,
    get processNames() {
      return [...processes.keys()];
    },
    pid: (name) => find(name).pid(),
    kill: (name, signal) => find(name).kill(signal),
    ready: (name) => find(name).ready(),
    restart: (name) => find(name).restart(),
    end: (name) => find(name).stop(SERVICE_STOPS_WITHIN_MS),
    startAnother: (service) => startAnother(service),
    stop: (how = { keepFolder: false }) => stop(how),
  };
}

async function startOwnBacking(
  options: PlatformOptions,
  folder: ClaimedFolder,
  closers: Closer[],
  signal: AbortSignal,
): Promise<BackingServices> {
  const { persistent, fresh = false, env = process.env, log = () => undefined, onGivenUp = () => undefined } = options;
  const startedAt = Date.now();
  const data = join(folder.path, 'data');
  const backing = await startBackingServices({ folder: data, persistent, fresh, env, log, onGivenUp, signal });
  closers.push(() => backing.stop());
  log(`RabbitMQ, PostgreSQL and Redis are ready (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
  return backing;
}

/** First the host, so that nobody asks the services any more; the registry last, because they may still read from it. */
async function stopProcesses(processes: Map<string, SupervisedProcess>): Promise<void> {
  const names = [...processes.keys()];
  const between = names.filter((name) => name !== 'demo-platform' && name !== 'local-registry');
  for (const group of [['demo-platform'], between, ['local-registry']]) {
    await Promise.all(group.map(async (name) => processes.get(name)?.stop(SERVICE_STOPS_WITHIN_MS)));
  }
}

function keysOf(folder: ClaimedFolder, fresh: boolean): PlatformKeys {
  const file = join(folder.path, 'keys.json');
  if (fresh) rmSync(file, { force: true });
  return keepKeys(file);
}

/** Data that was given by address is not ours to begin anew, and its secrets need the keys they were sealed with. */
function isGiven(backing: Platform['backing']): boolean {
  return backing.how?.postgres === undefined || backing.how.postgres === 'environment';
}

function leaveFolder(folder: ClaimedFolder, keep: boolean): void {
  folder.release();
  if (!keep) rmSync(folder.path, { recursive: true, force: true });
}
