import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Permission, PluginManifest } from '@verifywise/plugin-types';
import type { FromIsolate, IsolateCalls, ToIsolate } from '../isolate/protocol.ts';
import { MessagePipe, PIPE_FD } from '../isolate/message-pipe.ts';
import { spawnIsolate } from '../hosting/spawn-isolate.ts';
import { privatePath, wordOf } from '../isolate/private-http.ts';
import { findKernelTools } from '../hosting/kernel-tools.ts';
import { isolateBundle } from '../package/isolate-bundle.ts';

interface LonePlugin {
  files: Record<string, string>;
  entry?: string;
  granted?: Permission[];
  egressAllowed?: string[];
}

/** One isolate without a runner around it: what it is asked comes from the test, and what it asks nobody answers. */
export class LoneIsolate {
  readonly socketPath: string;
  readonly socketToken = 'of-this-isolate-alone';
  readonly child: ChildProcess;
  readonly said: FromIsolate[] = [];
  readonly #folder: string;
  readonly #pipe: MessagePipe;
  #nextId = 1;

  private constructor(child: ChildProcess, folder: string) {
    this.child = child;
    this.#folder = folder;
    this.socketPath = join(folder, 'http.sock');
    this.#pipe = new MessagePipe(child.stdio[PIPE_FD] as Socket, {
      message: (said) => {
        this.said.push(said as FromIsolate);
        child.emit('said');
      },
      broken: (error) => {
        throw error;
      },
      closed: () => undefined,
    });
  }

  static async start({
    files,
    entry = 'index.js',
    granted = [],
    egressAllowed = [],
  }: LonePlugin): Promise<LoneIsolate> {
    const folder = await mkdtemp(join(tmpdir(), 'vwr-lone-'));
    const packageFolder = join(folder, 'package');
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(packageFolder, name)), { recursive: true });
      await writeFile(join(packageFolder, name), text);
    }
    const tools = findKernelTools('/usr/bin:/bin');
    const place = { bundle: isolateBundle(), packageFolder, scratchFolder: null, readableFolders: [], tools };
    const isolate = new LoneIsolate(spawnIsolate({ ...place, granted, heapMb: 128, memoryMb: 256 }), folder);
    const manifest = { id: 'lone', name: 'Lone', version: '1.0.0', permissions: granted } as unknown as PluginManifest;
    const surroundings = {
      scratchFolder: null,
      egressAllowed,
      models: { definitions: [], associations: [] },
      coreModels: [],
    };
    const { socketPath, socketToken } = isolate;
    const setup = {
      tenant: 'acme',
      pluginId: 'lone',
      manifest,
      granted,
      config: null,
      folder: packageFolder,
      entry,
      socketPath,
      socketToken,
    };
    try {
      await isolate.call('setup', { ...setup, ...surroundings });
    } catch (error) {
      await isolate.stop();
      throw error;
    }
    return isolate;
  }

  /** The path of a request on its socket when its runner sends it. */
  pathOf(path: string): string {
    return privatePath(this, wordOf({ tenant: 'acme' }), path);
  }

  async call<Call extends keyof IsolateCalls>(
    call: Call,
    request: IsolateCalls[Call]['request'],
  ): Promise<IsolateCalls[Call]['answer']> {
    const id = this.#nextId++;
    this.#pipe.send({ kind: 'call', id, call, request } satisfies ToIsolate);
    const signal = AbortSignal.timeout(10_000);
    for (;;) {
      const answer = this.said.find((message) => message.kind === 'answer' && message.id === id);
      if (answer?.kind === 'answer') {
        if (answer.error) throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
        return answer.answer as IsolateCalls[Call]['answer'];
      }
      await once(this.child, 'said', { signal });
    }
  }

  /** The runner is gone, as far as the isolate can tell. */
  hangUp(): void {
    (this.child.stdio[PIPE_FD] as Socket).destroy();
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, 'close');
      this.child.kill('SIGKILL');
      await gone;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
