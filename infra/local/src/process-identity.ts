import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process that is still the same one after its number was given to another. */
export interface ProcessIdentity {
  pid: number;
  startedAt: string;
}

/** Field 22 of /proc/<pid>/stat, counted after the command name, which may itself contain blanks. */
const START_TIME_FIELD_AFTER_NAME = 19;

export function identityOf(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === 'linux' ? startTimeFromProc(pid) : startTimeFromPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export function isAlive({ pid, startedAt }: ProcessIdentity): boolean {
  return identityOf(pid)?.startedAt === startedAt;
}

function startTimeFromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; nobody has asked for its exit code yet.
    return fields[0] === 'Z' ? undefined : fields[START_TIME_FIELD_AFTER_NAME];
  } catch {
    // No such file: no such process.
    return undefined;
  }
}

function startTimeFromPs(pid: number): string | undefined {
  const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const started = stdout.trim();
  return started === '' ? undefined : started;
}
