import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** The program that a page of docs/ prints after `// file: <name>`. */
export async function documentedProgram(page: string, name: string): Promise<string> {
  const text = await readFile(join(ROOT, 'docs', page), 'utf8');
  const code = text.split(`// file: ${name}\n`)[1]?.split('\n```')[0];
  if (code === undefined) throw new Error(`docs/${page} has no program ${name}`);
  return code;
}

/** Runs it as a process of its own, as its reader would. */
export function runProgram(code: string, env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Resolves with what the program prints first. */
export async function firstLineOf(program: ChildProcess): Promise<string> {
  const ended = (once(program, 'exit') as Promise<[number | null]>).then(([code]): never => {
    throw new Error(`The program ended with ${String(code)} before it said anything`);
  });
  const printed = once(program.stdout ?? program, 'data') as Promise<[Buffer]>;
  const [line] = await Promise.race([printed, ended]);
  return line.toString().trim();
}
