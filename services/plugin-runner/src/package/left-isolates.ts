import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@verifywise/service-kit';

const PROCESS = 'process.json';
const PS_LIMIT_MS = 2_000;

interface NotedProcess {
  pid: number;
  /** Another process that was given the same id has begun at another time. */
  began: string;
}

/** Notes in the isolate's folder which process it is, for the runner that starts after this one was killed. */
export function noteProcess(folder: string, pid: number): void {
  const began = beginOf(pid);
  if (began !== undefined) writeFileSync(join(folder, PROCESS), JSON.stringify({ pid, began } satisfies NotedProcess));
}

/** Ends the isolates of a runner that is gone: one that loops has not noticed it. */
export async function endLeftIsolates(root: string, log: Pick<Logger, 'warn'>): Promise<void> {
  for (const folder of await readdir(root)) {
    const noted = await notedIn(join(root, folder));
    if (noted === undefined || beginOf(noted.pid) !== noted.began) continue;
    log.warn({ pid: noted.pid }, 'A plugin still ran in a process of a runner that was killed; it is ended');
    try {
      process.kill(noted.pid, 'SIGKILL');
    } catch (error) {
      // It has just ended by itself, or belongs to somebody else.
      log.warn({ err: error, pid: noted.pid }, 'A process of a runner that was killed could not be ended');
    }
  }
}

async function notedIn(folder: string): Promise<NotedProcess | undefined> {
  try {
    const { pid, began } = JSON.parse(await readFile(join(folder, PROCESS), 'utf8')) as Partial<NotedProcess>;
    // Zero and negative ones are groups of processes.
    return typeof pid === 'number' && pid > 1 && typeof began === 'string' ? { pid, began } : undefined;
  } catch {
    // Its runner was killed before it had noted one, or in the middle of it.
    return undefined;
  }
}

/** When the process began, in the words of the system; undefined when there is none. */
function beginOf(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { timeout: PS_LIMIT_MS, stdio: 'pipe' })
        .toString()
        .trim();
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the process's name in parentheses, which may itself contain spaces; the 22nd is when it began.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
