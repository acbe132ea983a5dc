import { rmSync } from 'node:fs';
import { untilReady } from './backing/until-ready.ts';
import type { ClaimedFolder } from './claimed-folder.ts';
import { startPrivateProcess, type Command, type PrivateProcess } from './private-process.ts';
import { createRevival } from './revival.ts';
import type { StartError } from './start-error.ts';

/** A cold start of everything on two cores takes a quarter of this. */
const READY_WITHIN_MS = 90_000;
const PROBE_ANSWERS_WITHIN_MS = 2_000;

export interface SupervisedCommand extends Command {
  /** Answers 200 when the process can do its work. */
  readyUrl: string;
}

export interface Supervision {
  folder: ClaimedFolder;
  log: (line: string) => void;
  /** It dies faster than it can be of use; nobody starts it again. */
  onGivenUp: (error: StartError) => void;
  signal?: AbortSignal | undefined;
}

/** A process of ours that is started again when it dies. */
export interface SupervisedProcess {
  readonly name: string;
  readonly logFile: string;
  pid(): number | undefined;
  /** Sends a signal; what dies of it comes back. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it answers that it is ready, also after it died. */
  ready(): Promise<void>;
  /** Ends it in order and starts it again. */
  restart(): Promise<void>;
  /** Ends it for good: SIGTERM, and SIGKILL after the deadline. */
  stop(within: number): Promise<void>;
}

/** Starts the process and resolves when it is ready; rejects with a StartError when it dies first or takes too long. */
export async function superviseProcess(
  command: SupervisedCommand,
  { folder, log, onGivenUp, signal }: Supervision,
): Promise<SupervisedProcess> {
  const { name, logFile, readyUrl } = command;
  let current: PrivateProcess | undefined;
  let killed: PrivateProcess | undefined;
  let wasReady = false;
  let stopped = false;
  let restarting = false;
  const cancelled = new AbortController();

  const launch = async (): Promise<PrivateProcess> => {
    const startedAt = Date.now();
    const child = await startPrivateProcess(command);
    current = child;
    folder.remember(child.pid);
    void child.exited.then(() => {
      folder.forget(child.pid);
      if (!wasReady || stopped || restarting) return;
      void bringBack({ livedMs: Date.now() - startedAt, wanted: child === killed, reason: () => child.reason() });
    });
    return child;
  };

  const bringBack = createRevival({ name, log, onGivenUp, ended: cancelled.signal, start: launch });

  const untilAnswering = (child?: PrivateProcess): Promise<void> =>
    untilReady({
      what: name,
      within: READY_WITHIN_MS,
      probe: () => answersOk(readyUrl),
      ...(child === undefined ? {} : { ended: child.exited.then(() => child.reason()) }),
      signal: signal === undefined ? cancelled.signal : AbortSignal.any([cancelled.signal, signal]),
    });

  const stop = async (within: number): Promise<void> => {
    stopped = true;
    cancelled.abort();
    await current?.stop('SIGTERM', within);
  };

  try {
    // One start, one log: what an earlier one said would only confuse.
    rmSync(logFile, { force: true });
    await untilAnswering(await launch());
    wasReady = true;
  } catch (error) {
    await stop(0);
    throw error;
  }
  return {
    name,
    logFile,
    pid: () => (current?.hasExited() === false ? current.pid : undefined),
    kill(wanted) {
      if (wanted === 'SIGKILL') killed = current;
      current?.kill(wanted);
    },
    ready: () => untilAnswering(),
    async restart() {
      restarting = true;
      try {
        await current?.stop('SIGTERM', READY_WITHIN_MS);
        await untilAnswering(await launch());
      } finally {
        restarting = false;
      }
    },
    stop,
  };
}

async function answersOk(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_ANSWERS_WITHIN_MS) });
  const body = await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status} ${body.slice(0, 200)}`);
}
