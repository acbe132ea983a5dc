import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Permission } from '@verifywise/plugin-types';

const SETPRIV = '/usr/bin/setpriv';

/** Where an isolate's process finds its files, and how much memory it gets. */
export interface IsolatePlace {
  /** The isolate's single-file bundle. */
  bundle: string;
  packageFolder: string;
  /** The plugin's own folder to write to, when it may. */
  scratchFolder: string | null;
  /** Folders of this machine for plugins that may read files. */
  readableFolders: string[];
  granted: readonly Permission[];
  heapMb: number;
}

/** Starts the process of an isolate with Node's permission model: its own files, an empty environment, nothing else. */
export function spawnIsolate({ bundle, packageFolder, heapMb, ...place }: IsolatePlace): ChildProcess {
  const { scratchFolder } = place;
  const flags = [
    '--permission',
    `--allow-fs-read=${bundle}`,
    `--allow-fs-read=${packageFolder}/*`,
    ...fileFlags(place),
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
    env: { NODE_ENV: 'production', ...(scratchFolder === null ? {} : { TMPDIR: scratchFolder }) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
}

/** Files beyond the plugin's own: never the machine's disk, where the runner's secrets are. */
function fileFlags({
  granted,
  scratchFolder,
  readableFolders,
}: Omit<IsolatePlace, 'bundle' | 'packageFolder' | 'heapMb'>) {
  const scratch = scratchFolder === null ? [] : [scratchFolder];
  const readable = granted.includes('filesystem:read') ? [...scratch, ...readableFolders] : [];
  const writable = granted.includes('filesystem:write') ? scratch : [];
  return [
    ...readable.map((folder) => `--allow-fs-read=${folder}/*`),
    ...writable.map((folder) => `--allow-fs-write=${folder}/*`),
  ];
}
