import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';
import { StartError } from './start-error.ts';

const OWNER_FILE = 'owner.json';
const CHILDREN_FILE = 'children.json';
/** A process that was told to end by the kernel needs a moment; a broker that writes to disk needs longer. */
const LEFTOVER_GONE_WITHIN_MS = 10_000;

/** A data folder that one process uses at a time, with the child processes that work in it. */
export interface ClaimedFolder {
  readonly path: string;
  /** Remembered on disk, so that the next owner can end it when we cannot. */
  remember(pid: number): void;
  forget(pid: number): void;
  release(): void;
}

/** Makes the folder ours; ends what a former owner that died left running. Throws a StartError while the owner lives. */
export async function claimFolder(path: string): Promise<ClaimedFolder> {
  mkdirSync(path, { recursive: true });
  takeOwnership(path);
  await endLeftovers(path);

  const children = new Map<number, ProcessIdentity>();
  const save = (): void => writeFileSync(join(path, CHILDREN_FILE), JSON.stringify([...children.values()]));
  return {
    path,
    remember(pid) {
      const identity = identityOf(pid);
      if (identity !== undefined) children.set(pid, identity);
      save();
    },
    forget(pid) {
      if (children.delete(pid)) save();
    },
    release() {
      rmSync(join(path, CHILDREN_FILE), { force: true });
      rmSync(join(path, OWNER_FILE), { force: true });
    },
  };
}

/** Whether the process that claimed this folder still lives. */
export function isClaimed(path: string): boolean {
  const [owner] = readIdentities(join(path, OWNER_FILE));
  return owner !== undefined && isAlive(owner);
}

function takeOwnership(path: string): void {
  const file = join(path, OWNER_FILE);
  const self = JSON.stringify([identityOf(process.pid)]);
  try {
    writeFileSync(file, self, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const [owner] = readIdentities(file);
    if (owner !== undefined && isAlive(owner)) {
      throw new StartError(`${path} is in use by process ${owner.pid}; stop that one first`);
    }
    writeFileSync(file, self);
  }
}

/** Kills what a former owner of this folder left running, and waits until it is gone. */
export async function endLeftovers(path: string): Promise<void> {
  const leftovers = readIdentities(join(path, CHILDREN_FILE));
  const deadline = Date.now() + LEFTOVER_GONE_WITHIN_MS;
  for (const leftover of leftovers) {
    while (isAlive(leftover)) {
      if (Date.now() > deadline) {
        throw new StartError(`Process ${leftover.pid} of an earlier start does not end; kill it and start again`);
      }
      signalIfThere(leftover.pid);
      await pause(20);
    }
  }
}

function signalIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended between the look and the signal.
  }
}

function readIdentities(file: string): ProcessIdentity[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity[];
  } catch {
    // No file, or one that its writer did not finish: nothing is known.
    return [];
  }
}
