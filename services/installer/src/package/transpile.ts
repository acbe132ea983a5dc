import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PlatformError } from '@verifywise/contracts';
import { byteSize } from '../byte-size.ts';
import type { PackageFiles } from './package-files.ts';
import type { Answer, Translated } from './transpile-process.ts';

/** Sources that people write are a fraction of it. */
const MOST_BYTES = 5 * 1024 * 1024;
/** A plugin is translated in a second; who needs longer was made to. */
const DEADLINE_MS = 30_000;
const MEMORY_KB = 768 * 1024;
const SOURCE = /\.(ts|js|cjs|mjs|json)$/;

/**
 * `index.ts` with everything it imports from its own package as one `index.js`. A source can be made to bring its translator
 * down, so each package has a process of its own, with an end in time and memory.
 */
export async function transpileEntry(files: PackageFiles): Promise<Buffer> {
  const translated = await inOwnProcess(await sourcesOf(files));
  if ('code' in translated) return Buffer.from(translated.code, 'utf8');
  throw new TranslationError(translated.problem);
}

class TranslationError extends PlatformError {
  constructor(why: string) {
    super('MANIFEST_INVALID', `index.ts of the package cannot be translated: ${why.slice(0, 2_000)}`, {
      details: {
        issues: [{ path: '/index.ts', message: why.slice(0, 2_000), hint: 'Build the plugin and pack its index.js' }],
      },
    });
  }
}

/** Nothing of this machine's disk gets into a plugin: all the other process has is what it is given. */
async function sourcesOf(files: PackageFiles): Promise<Record<string, string>> {
  const paths = files.paths.filter((path) => SOURCE.test(path));
  const bytes = paths.reduce((sum, path) => sum + files.entry(path).size, 0);
  if (bytes > MOST_BYTES) throw new TranslationError(`its sources are larger than ${byteSize(MOST_BYTES)}`);
  const sources: [string, string][] = [];
  for (const path of paths) sources.push([path, (await files.read(path)).toString('utf8')]);
  return Object.fromEntries(sources);
}

function inOwnProcess(sources: Record<string, string>): Promise<Translated> {
  const script = fileURLToPath(new URL('transpile-process.ts', import.meta.url));
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', script];
  // The limit holds for what the process starts in its turn; a shell that cannot set it goes on without.
  const child = spawn('/bin/sh', ['-c', `ulimit -d ${MEMORY_KB} 2>/dev/null; exec "$0" "$@"`, ...node], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { PATH: process.env.PATH, GOMAXPROCS: '1' },
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  return new Promise((resolve, reject) => {
    let answer: Translated = { problem: 'it is too large or too deeply nested for the translator' };
    child.once('error', reject);
    child.on('message', (message: Answer) => {
      if (message !== 'ready') answer = message;
      else child.send(sources, () => undefined);
    });
    child.once('exit', () => resolve(answer));
  });
}
