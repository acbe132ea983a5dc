import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IsolateMemory } from '../../../services/plugin-runner/src/hosting/isolate-memory.ts';
import { IsolateProcess } from '../../../services/plugin-runner/src/hosting/isolate-process.ts';
import { isolateBundle } from '../../../services/plugin-runner/src/package/isolate-bundle.ts';
import { findKernelTools } from '../../../services/plugin-runner/src/hosting/kernel-tools.ts';
import { PLUGIN_ID } from './bench-plugin.ts';

const HOOK_LIMIT_MS = 30_000;
const HEAP_MB = 128;
const MEMORY_MB = 256;
const GRANTED = ['events:listen' as const];
const HANG_LIMIT_MS = 3_000;

/** A plugin's package in a folder of its own. */
export class PluginFolder {
  readonly path: string;
  readonly #root: string;
  #isolates = 0;

  private constructor(root: string) {
    this.#root = root;
    this.path = join(root, 'package');
  }

  static async with(code: string): Promise<PluginFolder> {
    const folder = new PluginFolder(await mkdtemp(join(tmpdir(), 'vwb-')));
    await mkdir(folder.path);
    await writeFile(folder.entry, code);
    return folder;
  }

  get entry(): string {
    return join(this.path, 'index.js');
  }

  /** An isolate of this process, as a runner would start it; resolves when `onEnable` is done. */
  async startIsolate(): Promise<IsolateProcess> {
    const privateFolder = join(this.#root, String((this.#isolates += 1)));
    await mkdir(privateFolder);
    const isolate = new IsolateProcess({
      ...{
        bundle: isolateBundle(),
        packageFolder: this.path,
        scratchFolder: null,
        readableFolders: [],
        granted: GRANTED,
      },
      memory: new IsolateMemory(MEMORY_MB),
      tools: findKernelTools('/usr/bin:/bin'),
      ...{ heapMb: HEAP_MB, hangLimitMs: HANG_LIMIT_MS },
      // The plugin asks for nothing.
      capabilities: {} as never,
      mask: (text) => text,
      log: (level, message) => {
        if (level === 'error' || level === 'warn') process.stderr.write(`${message}\n`);
      },
      surfaceChanged: () => undefined,
      crashed: (_isolate, { message }) => process.stderr.write(`${message}\n`),
    });
    isolate.watch();
    try {
      await isolate.call('setup', this.#setup(privateFolder), HOOK_LIMIT_MS);
      isolate.loaded();
      await isolate.hook({ hook: 'onLoad', options: {} }, HOOK_LIMIT_MS);
      await isolate.hook({ hook: 'onEnable', options: {} }, HOOK_LIMIT_MS);
      return isolate;
    } catch (error) {
      await isolate.stop();
      throw error;
    }
  }

  async close(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }

  #setup(privateFolder: string) {
    const manifest = { id: PLUGIN_ID, name: PLUGIN_ID, version: '1.0.0', permissions: [], config: {} };
    return {
      ...{
        tenant: 'bench',
        pluginId: PLUGIN_ID,
        manifest: manifest as never,
        granted: GRANTED,
        config: null,
      },
      ...{
        folder: this.path,
        entry: 'index.js',
        socketPath: join(privateFolder, 'http.sock'),
        socketToken: 'nobody asks',
      },
      ...{ scratchFolder: null, egressAllowed: [], coreModels: [] },
      models: { definitions: [], associations: [] },
    };
  }
}
