import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Sun_path is 108 bytes on Linux and 104 on macOS; the socket's own name is short. */
const LONGEST_FOLDER = 85;

/** One folder per isolate, for its socket; nobody else on the machine may look into it. */
export class PrivateFolders {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /** Makes this process's own root below `scratch`, and removes the roots of processes that are gone. */
  static async open(scratch: string): Promise<PrivateFolders> {
    await mkdir(scratch, { recursive: true, mode: 0o700 });
    for (const name of await readdir(scratch)) {
      const pid = /^run-(\d+)-/.exec(name)?.[1];
      // In a container every runner has the same process id, and this one has made no folder yet.
      const left = pid !== undefined && (Number(pid) === process.pid || !isAlive(Number(pid)));
      if (left) await rm(join(scratch, name), { recursive: true, force: true });
    }
    const root = await mkdtemp(join(scratch, `run-${process.pid}-`));
    if (root.length > LONGEST_FOLDER) {
      throw new Error(`RUNNER_SCRATCH_FOLDER is too long for the isolates' sockets: ${scratch}; choose a shorter one`);
    }
    return new PrivateFolders(root);
  }

  async create(): Promise<{ path: string; remove(): Promise<void> }> {
    const path = join(this.#root, randomBytes(4).toString('hex'));
    await mkdir(path, { mode: 0o700 });
    return { path, remove: () => rm(path, { recursive: true, force: true }) };
  }

  async close(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
