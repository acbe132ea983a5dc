import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A tool that does nothing for so long is of no use at the start of every isolate. */
const TRY_LIMIT_MS = 5_000;

/** Programs that have the kernel see to something, also when an isolate or its runner cannot; null where there is none that can. */
export interface KernelTools {
  /** Bounds the memory and files of a process. */
  prlimit: string | null;
  /** Ends a process with the one that started it. */
  setpriv: string | null;
}

/** Those on this path; BusyBox has programs of the same names that cannot do it, so each is tried. */
export function findKernelTools(path: string): KernelTools {
  return {
    prlimit: find(path, 'prlimit', ['--data=100000000000', '--fsize=100000000']),
    setpriv: find(path, 'setpriv', ['--pdeathsig', 'KILL']),
  };
}

function find(path: string, name: string, flags: string[]): string | null {
  for (const folder of path.split(delimiter)) {
    const program = join(folder, name);
    if (folder !== '' && isProgram(program) && does(program, flags)) return program;
  }
  return null;
}

function does(program: string, flags: string[]): boolean {
  const options = { stdio: 'ignore', timeout: TRY_LIMIT_MS } as const;
  return spawnSync(program, [...flags, process.execPath, '--version'], options).status === 0;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
