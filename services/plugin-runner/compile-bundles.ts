import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compiledFile } from './src/isolate/bundles/bundles.ts';
import { MessagePipe, PIPE_FD } from './src/isolate/message-pipe.ts';
import type { IsolateCalls, ToIsolate } from './src/isolate/protocol.ts';

const PLUGIN = `
exports.plugin = {
  routes(router) { router.get('/', (req, res) => res.json({})); },
  eventHandlers() { return { 'risk:created': () => undefined }; },
  onLoad() {},
  onEnable(context) { context.logger.info('enabled'); },
};`;
const DEADLINE_MS = 30_000;
const manifest = { id: 'compiled', name: 'compiled', version: '1.0.0', permissions: [], config: {} };

/** Before a bundle changes: V8 knows a compiled form that does not fit by little more than the length of the source. */
export async function removeCompiled(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.endsWith(compiledFile(''))) await rm(join(folder, name));
  }
}

/**
 * Keeps beside each bundle in the folder what V8 makes of it while an isolate starts an ordinary plugin, so that isolates need not
 * compile it again. Only the Node that did it can use it.
 */
export async function compileBundles(folder: string): Promise<void> {
  const place = await mkdtemp(join(tmpdir(), 'vw-compile-'));
  try {
    await mkdir(join(place, 'package'));
    await writeFile(join(place, 'package', 'index.js'), PLUGIN);
    await startAndKeep(folder, place);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

async function startAndKeep(folder: string, place: string): Promise<void> {
  const file = join(import.meta.dirname, 'src/isolate/bundles/keep-compiled.ts');
  const child = spawn(process.execPath, ['--no-warnings', file, folder], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  const exited = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>;
  const ended = exited.then(([code, signal]) => {
    throw new Error(`The isolate whose compiled bundles were to be kept ended too early: ${code ?? signal}`);
  });
  ended.catch(() => undefined);
  const ask = asking(child.stdio[PIPE_FD] as Socket);
  const hook = (name: 'onLoad' | 'onEnable') => ask('hook', { hook: name, options: {} });
  await Promise.race([
    ended,
    ask('setup', setup(place))
      .then(() => hook('onLoad'))
      .then(() => hook('onEnable')),
  ]);
  child.kill('SIGUSR2');
  const [code, signal] = await exited;
  if (code !== 0) throw new Error(`Keeping the compiled bundles failed: ${code ?? signal}`);
}

/** Asks the isolate as its runner would, one thing at a time. */
function asking(socket: Socket) {
  let answered: (message: Extract<ToIsolate, { kind: 'answer' }>) => void = () => undefined;
  const pipe = new MessagePipe(socket, {
    message: (said) => {
      const message = said as ToIsolate;
      if (message.kind === 'answer') answered(message);
    },
    broken: () => undefined,
    closed: () => undefined,
  });
  return <Call extends keyof IsolateCalls>(call: Call, request: IsolateCalls[Call]['request']) =>
    new Promise<void>((resolve, reject) => {
      answered = ({ error }) => {
        if (error) reject(new Error(`${call}: ${error.message}`));
        else resolve();
      };
      pipe.send({ kind: 'call', id: 1, call, request } satisfies ToIsolate);
    });
}

function setup(place: string): IsolateCalls['setup']['request'] {
  return {
    ...{ tenant: 'none', pluginId: manifest.id, manifest: manifest as never, granted: ['events:listen'], config: {} },
    ...{ folder: join(place, 'package'), entry: 'index.js' },
    ...{ socketPath: join(place, 'http.sock'), socketToken: 'nobody asks', scratchFolder: null, egressAllowed: [] },
    ...{ models: { definitions: [], associations: [] }, coreModels: [] },
  };
}
