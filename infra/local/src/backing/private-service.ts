import { reasonOf } from '../start-error.ts';
import { startPrivateProcess, type Command, type PrivateProcess } from '../private-process.ts';
import type { ClaimedFolder } from '../claimed-folder.ts';
import type { RunningService } from './running-service.ts';
import { untilReady } from './until-ready.ts';

export interface PrivateService {
  url: string;
  /** Started in this order, stopped in the opposite one; the last is the service itself. */
  commands: Command[];
  ready: () => Promise<unknown>;
  readyWithin: number;
  stopSignal: NodeJS.Signals;
  stopWithin: number;
  signal?: AbortSignal | undefined;
}

/** Starts programs of this machine as our own children; resolves when the service answers its own protocol. */
export async function startPrivateService(service: PrivateService, folder: ClaimedFolder): Promise<RunningService> {
  let processes = await startAll(service, folder);
  const stopAll = async (signal: NodeJS.Signals): Promise<void> => {
    for (const child of processes.toReversed()) {
      await child.stop(signal, service.stopWithin);
      folder.forget(child.pid);
    }
    processes = [];
  };
  return {
    url: service.url,
    how: 'programs',
    stop: () => stopAll(service.stopSignal),
    kill: () => stopAll('SIGKILL'),
    async restart() {
      await stopAll(service.stopSignal);
      processes = await startAll(service, folder);
    },
  };
}

async function startAll(service: PrivateService, folder: ClaimedFolder): Promise<PrivateProcess[]> {
  const started: PrivateProcess[] = [];
  try {
    for (const command of service.commands) {
      const child = await startPrivateProcess(command);
      folder.remember(child.pid);
      started.push(child);
    }
    const main = started.at(-1);
    if (main === undefined) return started;
    await untilReady({
      what: main.name,
      within: service.readyWithin,
      probe: service.ready,
      ended: main.exited.then(() => main.reason()),
      signal: service.signal,
    });
    return started;
  } catch (error) {
    for (const child of started.toReversed()) await child.stop('SIGKILL', 0);
    throw error;
  }
}

const TRIES_WITH_OTHER_PORTS = 3;

/** Another process may take a free port before we do: then the start fails and other ports are tried. */
export async function withOtherPortsWhenTaken<T>(start: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await start();
    } catch (error) {
      const taken = /eaddrinuse|address already in use|in use/i.test(reasonOf(error));
      if (!taken || tried === TRIES_WITH_OTHER_PORTS) throw error;
    }
  }
}
