import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeOwnFolder } from './own-folder.ts';

/** Sun_path is 108 bytes on Linux and 104 on macOS; the socket's own name is short. */
const LONGEST_FOLDER = 85;

/** One folder per isolate, for its socket; nobody else on the machine may look into it. */
export class PrivateFolders {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /** Makes this process's own root below `scratch`. */
  static async open(scratch: string): Promise<PrivateFolders> {
    const root = await makeOwnFolder(scratch, 'run');
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
