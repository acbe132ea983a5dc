import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';

const SETPRIV = '/usr/bin/setpriv';

/** Where an isolate's process finds its files, and how much memory it gets. */
export interface IsolatePlace {
  /** The isolate's single-file bundle. */
  bundle: string;
  packageFolder: string;
  /** A folder of this isolate alone; its socket lives there. */
  privateFolder: string;
  heapMb: number;
}

/** Starts the process of an isolate with Node's permission model: its own files, an empty environment, nothing else. */
export function spawnIsolate({ bundle, packageFolder, privateFolder, heapMb }: IsolatePlace): ChildProcess {
  const flags = [
    '--permission',
    `--allow-fs-read=${bundle}`,
    `--allow-fs-read=${packageFolder}/*`,
    `--allow-fs-read=${privateFolder}/*`,
    `--allow-fs-write=${privateFolder}/*`,
    `--max-old-space-size=${heapMb}`,
    '--no-warnings',
    bundle,
  ];
  // An isolate that loops cannot notice that its runner is gone; the kernel can.
  const [command, args] = existsSync(SETPRIV)
    ? [SETPRIV, ['--pdeathsig', 'KILL', process.execPath, ...flags]]
    : [process.execPath, flags];
  return spawn(command, args, {
    cwd: packageFolder,
    env: { NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
}
