import { createRevival } from '../revival.ts';
import { StartError, reasonOf } from '../start-error.ts';
import { startPrivateProcess, type Command, type PrivateProcess } from '../private-process.ts';
import type { ClaimedFolder } from '../claimed-folder.ts';
import type { ProgramOptions, RunningService } from './running-service.ts';
import { untilReady } from './until-ready.ts';

export interface PrivateService {
  url: string;
  /** Started in this order, stopped in the opposite one; the last is the service itself. */
  commands: Command[];
  ready: () => Promise<unknown>;
  readyWithin: number;
  stopSignal: NodeJS.Signals;
  stopWithin: number;
  revival?: ProgramOptions['revival'];
  signal?: AbortSignal | undefined;
}

/** Starts programs of this machine as our own children; resolves when the service answers its own protocol. */
export async function startPrivateService(service: PrivateService, folder: ClaimedFolder): Promise<RunningService> {
  const name = service.commands.at(-1)?.name ?? service.url;
  const stopped = new AbortController();
  const ended = service.signal ? AbortSignal.any([service.signal, stopped.signal]) : stopped.signal;
  let processes: PrivateProcess[] = [];
  let comingBack: Promise<void> | undefined;

  const stopAll = async (signal: NodeJS.Signals): Promise<void> => {
    const leaving = processes;
    // Nobody misses them from here on.
    processes = [];
    for (const child of leaving.toReversed()) {
      await child.stop(signal, service.stopWithin);
      folder.forget(child.pid);
    }
  };
  const start = async (): Promise<void> => {
    const life = await startAll({ ...service, signal: ended }, folder);
    const startedAt = Date.now();
    processes = life;
    for (const child of life) {
      void child.exited.then(() => {
        if (processes === life) comingBack = bringBack(child, Date.now() - startedAt);
      });
    }
  };
  const revive = service.revival && createRevival({ ...service.revival, name, ended, start });
  const bringBack = async (dead: PrivateProcess, livedMs: number): Promise<void> => {
    if (!revive) return;
    try {
      // What is left of it holds its ports and its data.
      await stopAll(service.stopSignal);
      await revive({ livedMs, reason: () => (dead.name === name ? '' : `${dead.name}: `) + dead.reason() });
    } catch (error) {
      service.revival?.onGivenUp(new StartError(reasonOf(error)));
    }
  };

  await start();
  return {
    url: service.url,
    how: 'programs',
    async stop() {
      stopped.abort();
      await comingBack;
      await stopAll(service.stopSignal);
    },
    kill: () => stopAll('SIGKILL'),
    async restart() {
      await stopAll(service.stopSignal);
      await start();
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
