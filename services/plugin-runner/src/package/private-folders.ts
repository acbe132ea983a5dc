import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@verifywise/service-kit';
import { endLeftIsolates, noteProcess } from './left-isolates.ts';
import { makeOwnFolder } from './own-folder.ts';

/** Sun_path is 108 bytes on Linux and 104 on macOS, of which the last one is a zero. */
const LONGEST_SOCKET = 103;
const SOCKET = 'http.sock';
/** Nobody who knows the root guesses a name of this many characters, 6 bits each; on macOS the root leaves no room for more than a few. */
const LONGEST_NAME = 22;
const SHORTEST_NAME = 8;

export interface PrivateFolder {
  path: string;
  /** Whose folder it is, so that a process that outlives its runner is found. */
  noteProcess(pid: number): void;
  remove(): Promise<void>;
}

/** One folder per isolate, for its socket; nobody else on the machine may look into it. */
export class PrivateFolders {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /** Makes this process's own root below `scratch`, and ends the isolates of runners that are gone. */
  static async open(scratch: string, log: Pick<Logger, 'warn'>): Promise<PrivateFolders> {
    const root = await makeOwnFolder(scratch, 'run', (left) => endLeftIsolates(left, log));
    if (roomForName(root) < SHORTEST_NAME) {
      throw new Error(`RUNNER_SCRATCH_FOLDER is too long for the isolates' sockets: ${scratch}; choose a shorter one`);
    }
    return new PrivateFolders(root);
  }

  async create(): Promise<PrivateFolder> {
    const path = join(this.#root, randomName(Math.min(roomForName(this.#root), LONGEST_NAME)));
    await mkdir(path, { mode: 0o700 });
    return {
      path,
      noteProcess: (pid) => noteProcess(path, pid),
      remove: () => rm(path, { recursive: true, force: true }),
    };
  }

  async close(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }
}

/** How many characters the folder of one isolate may have, so that its socket can be listened on. */
function roomForName(root: string): number {
  return LONGEST_SOCKET - Buffer.byteLength(`${root}//${SOCKET}`);
}

function randomName(length: number): string {
  return randomBytes(length).toString('base64url').slice(0, length);
}
