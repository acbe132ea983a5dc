import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { reasonOf, StartError } from '../start-error.ts';

export interface Invocation {
  within: number;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** What is written to the terminal as well as to the log. */
  onOutput?: (text: string) => void;
}

/** Programs run to their end, everything they say in one log. */
export interface Commands {
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** Resolves with what the program wrote on stdout; rejects with a StartError that ends in its last words. */
  run(program: string, args: string[], invocation: Invocation): Promise<string>;
  /** Whether it succeeds. */
  succeeds(program: string, args: string[], invocation: Invocation): Promise<boolean>;
  /** The same log, other variables. */
  withEnvironment(variables: Record<string, string>): Commands;
  /** The same, but no longer ended by the signal: what cleans up runs after an interrupt. */
  uninterrupted(): Commands;
}

/** `signal` ends whatever runs. */
export function createCommands(env: NodeJS.ProcessEnv, logFile: string, signal?: AbortSignal): Commands {
  mkdirSync(dirname(logFile), { recursive: true });
  const run = async (program: string, args: string[], invocation: Invocation): Promise<string> => {
    signal?.throwIfAborted();
    appendFileSync(logFile, `\n$ ${program} ${args.join(' ')}\n`);
    return await runToTheEnd(program, args, { env, ...invocation }, logFile, signal);
  };
  return {
    env,
    logFile,
    run,
    succeeds: (program, args, invocation) =>
      run(program, args, invocation).then(
        () => true,
        () => false,
      ),
    withEnvironment: (variables) => createCommands({ ...env, ...variables }, logFile, signal),
    uninterrupted: () => createCommands(env, logFile),
  };
}

function runToTheEnd(
  program: string,
  args: string[],
  { within, cwd, env, onOutput }: Invocation,
  logFile: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const deadline = AbortSignal.timeout(within);
  const child = spawn(program, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
    ...(cwd === undefined ? {} : { cwd }),
  });
  let stdout = '';
  let last = '';
  const hear = (chunk: Buffer): void => {
    const text = chunk.toString('utf8');
    appendFileSync(logFile, text);
    onOutput?.(text);
    last = text.trim().split('\n').at(-1)?.trim() ?? last;
  };
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
    hear(chunk);
  });
  child.stderr.on('data', hear);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      if (signal?.aborted === true) reject(new StartError(reasonOf(signal.reason)));
      else if (deadline.aborted) reject(new StartError(`${program} took longer than ${within / 1000} s`));
      else reject(new StartError(`${program} could not be run: ${error.message}`));
    });
    child.once('close', (code) => {
      if (code === 0) resolve(stdout);
      else reject(new StartError(`${program} ${args[0] ?? ''} failed: ${last} (${logFile})`));
    });
  });
}
