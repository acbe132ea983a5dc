import { execFile } from 'node:child_process';

export interface CommandResult {
  ok: boolean;
  stdout: string;
  /** The last line of what it complained about, or why it did not run at all. */
  complaint: string;
}

export interface CommandOptions {
  within: number;
  env: NodeJS.ProcessEnv;
  cwd?: string;
}

const OUTPUT_LIMIT_BYTES = 16 * 1024 * 1024;

/** Runs a program to its end; a failure is a result, because every caller has a next way to try. */
export function runCommand(program: string, args: string[], options: CommandOptions): Promise<CommandResult> {
  const { within, env, cwd } = options;
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      { env, timeout: within, maxBuffer: OUTPUT_LIMIT_BYTES, ...(cwd === undefined ? {} : { cwd }) },
      (error, stdout, stderr) => {
        const lines = stderr.trim().split('\n');
        const late = error?.killed === true ? `it took longer than ${within / 1000} s` : undefined;
        const said = lines.findLast((line) => line.trim() !== '')?.trim();
        resolve({ ok: error === null, stdout, complaint: late ?? said ?? error?.message ?? '' });
      },
    ).stdin?.end();
  });
}
