import { spawn, spawnSync } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { tellingLine } from './log-line.ts';
import { StartError } from './start-error.ts';

/** After SIGKILL the kernel needs a moment, longer when it has memory to give back. */
const KILLED_WITHIN_MS = 5_000;
const TAIL_BYTES = 16_384;

export interface Command {
  name: string;
  program: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  logFile: string;
  cwd?: string;
  user?: { uid: number; gid: number };
  /** What the process gets when its parent ends, however that happens. */
  deathSignal?: 'KILL' | 'TERM' | 'INT';
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A child process with its own log, in a process group of its own, that does not outlive its parent. */
export interface PrivateProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly exited: Promise<Exit>;
  hasExited(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** Asks with a signal, kills after the deadline; resolves when the process is gone. */
  stop(signal: NodeJS.Signals, within: number): Promise<void>;
  /** How it ended and the last lines it wrote. */
  reason(): string;
}

export async function startPrivateProcess(command: Command): Promise<PrivateProcess> {
  const { name, logFile, env, cwd, user } = command;
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a');
  const logStart = fstatSync(log).size;
  const [program, ...args] = withDeathSignal(command);
  // Its own process group, so that Ctrl-C in a terminal reaches us alone and we stop our children in order.
  const child = spawn(program, args, {
    env,
    stdio: ['ignore', log, log],
    detached: true,
    ...(cwd === undefined ? {} : { cwd }),
    ...(user ?? {}),
  });
  closeSync(log);

  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve((exit = { code, signal })));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new StartError(`${name} could not be started: ${error.message}`)));
  });
  const pid = child.pid;
  if (pid === undefined) throw new StartError(`${name} could not be started`);

  const kill = (signal: NodeJS.Signals): void => {
    if (exit === undefined) child.kill(signal);
  };
  return {
    name,
    pid,
    logFile,
    exited,
    hasExited: () => exit !== undefined,
    kill,
    async stop(signal, within) {
      kill(signal);
      if (!(await settlesWithin(exited, within))) {
        kill('SIGKILL');
        if (!(await settlesWithin(exited, KILLED_WITHIN_MS))) throw new Error(`${name} (${pid}) survives SIGKILL`);
      }
    },
    reason: () => `${describeExit(exit)}; ${lastLineOf(logFile, logStart)}`,
  };
}

function lastLineOf(logFile: string, from: number): string {
  const line = tellingLine(readFrom(logFile, from));
  return line === undefined ? `it wrote nothing (${logFile})` : `its log says "${line}" (${logFile})`;
}

function readFrom(logFile: string, from: number): string {
  try {
    const written = readFileSync(logFile).subarray(from);
    return written.subarray(-TAIL_BYTES).toString('utf8');
  } catch {
    // Somebody removed the log: nothing is known.
    return '';
  }
}

function describeExit(exit: Exit | undefined): string {
  if (exit === undefined) return 'it still runs';
  return exit.signal === null ? `it exited with code ${exit.code ?? '?'}` : `it was ended by ${exit.signal}`;
}

async function settlesWithin(promise: Promise<unknown>, within: number): Promise<boolean> {
  const late = new AbortController();
  const inTime = await Promise.race([promise.then(() => true), pause(within, false, { signal: late.signal })]);
  late.abort();
  return inTime;
}

let setprivKnown: boolean | undefined;

/** The kernel ends the child when we end, even by SIGKILL; where there is no setpriv, the next start sweeps what is left. */
function withDeathSignal({ program, args, deathSignal = 'KILL' }: Command): [string, ...string[]] {
  setprivKnown ??= process.platform === 'linux' && spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status === 0;
  return setprivKnown && basename(program) !== 'setpriv'
    ? ['setpriv', '--pdeathsig', deathSignal, program, ...args]
    : [program, ...args];
}
