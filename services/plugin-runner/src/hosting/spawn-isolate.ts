import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { dirname } from 'node:path';
import { PlatformError } from '@verifywise/contracts';
import type { Permission } from '@verifywise/plugin-types';
import type { KernelTools } from './kernel-tools.ts';

/**
 * What Node 24 counts as data before a plugin has loaded: V8 alone reserves 512 MB for machine code. And room for thread stacks, so
 * that only what grows faster than the runner looks at it ever meets this limit.
 */
const DATA_OF_NODE_MB = 704;

/** A scratch folder is a cache; a single file beyond this, by mistake or not, must not fill a disk that others write to. */
const LARGEST_FILE_MB = 100;
const MB = 1024 * 1024;

/** Where an isolate's process finds its files, and how much memory it gets. */
export interface IsolatePlace {
  /** The isolate's bundle; what it loads later lies beside it. */
  bundle: string;
  packageFolder: string;
  /** The plugin's own folder to write to, when it may. */
  scratchFolder: string | null;
  /** Folders of this machine for plugins that may read files. */
  readableFolders: string[];
  granted: readonly Permission[];
  heapMb: number;
  /** Resident memory of the process, which the runner watches. */
  memoryMb: number;
  tools: KernelTools;
}

/** Starts the process of an isolate with Node's permission model: its own files, an empty environment, nothing else. */
export function spawnIsolate({ bundle, packageFolder, heapMb, memoryMb, tools, ...place }: IsolatePlace): ChildProcess {
  const { scratchFolder } = place;
  const flags = [
    '--permission',
    `--allow-fs-read=${dirname(bundle)}/*`,
    `--allow-fs-read=${packageFolder}/*`,
    ...fileFlags(place),
    `--max-old-space-size=${heapMb}`,
    '--no-warnings',
    bundle,
  ];
  const [command, ...args] = [...boundBy(memoryMb, tools), process.execPath, ...flags] as [string, ...string[]];
  const child = spawn(command, args, {
    cwd: packageFolder,
    env: { NODE_ENV: 'production', ...(scratchFolder === null ? {} : { TMPDIR: scratchFolder }) },
    // The last one is PIPE_FD in the isolate.
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  // Without file descriptors left Node makes a child without pipes, and says why to nobody who could hear it yet.
  if ((child as Partial<ChildProcess>).stdio === undefined) {
    child.once('error', () => undefined);
    throw new PlatformError('UNAVAILABLE', 'This machine has no file descriptors left for another process');
  }
  return child;
}

/** What the kernel sees to, where its tools are installed: it acts also when the isolate or its runner cannot. */
function boundBy(memoryMb: number, { prlimit, setpriv }: KernelTools): string[] {
  const limits = [`--data=${(memoryMb + DATA_OF_NODE_MB) * MB}`, `--fsize=${LARGEST_FILE_MB * MB}`];
  return [
    // What allocates a gigabyte between two looks of the runner is refused it, instead of taking the machine down.
    ...(prlimit === null ? [] : [prlimit, ...limits]),
    // An isolate that loops cannot notice that its runner is gone; the kernel can.
    ...(setpriv === null ? [] : [setpriv, '--pdeathsig', 'KILL']),
  ];
}

/** Files beyond the plugin's own: never the machine's disk, where the runner's secrets are. */
function fileFlags({
  granted,
  scratchFolder,
  readableFolders,
}: Pick<IsolatePlace, 'granted' | 'scratchFolder' | 'readableFolders'>) {
  const scratch = scratchFolder === null ? [] : [scratchFolder];
  // Who may write there reads back what it wrote.
  const readable = [...scratch, ...(granted.includes('filesystem:read') ? readableFolders : [])];
  const writable = granted.includes('filesystem:write') ? scratch : [];
  return [
    ...readable.map((folder) => `--allow-fs-read=${folder}/*`),
    ...writable.map((folder) => `--allow-fs-write=${folder}/*`),
  ];
}
