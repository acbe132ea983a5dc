import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { claimFolder } from './claimed-folder.ts';
import { createCommands } from './containers/commands.ts';
import { useEngine, type Engine } from './containers/engine.ts';
import { buildPlatformImage, findBaseImages } from './containers/images.ts';
import { startStack } from './containers/stack.ts';
import { runJourneys } from './containers/suite.ts';
import { walkDemo } from './demo-walk.ts';
import { reasonOf, StartError } from './start-error.ts';
import { temporaryFolder } from './temporary-folder.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/**
 * Proves the container path: docker-compose.yml on a real engine, the demo against it, then the journeys by Testcontainers.
 * `patterns` choose journeys as Jest's own arguments do. Takes down whatever it brought up; images stay, as a cache.
 */
async function testContainers(patterns: string[], signal: AbortSignal): Promise<void> {
  // One run of a checkout at a time, because its containers have one name; a socket needs a short path, so there are two folders.
  const turn = await claimFolder(join(ROOT, '.local/test-containers'));
  const folder = await claimFolder(await temporaryFolder('containers'));
  const logFile = join(ROOT, '.local/logs/test-containers.log');
  rmSync(logFile, { force: true });
  try {
    const engine = await step(
      'engine',
      () => useEngine(createCommands(process.env, logFile, signal), folder.path),
      ({ description, compose }) => `${description}; ${compose.join(' ')}`,
    );
    try {
      await proveOn(engine, folder.path, patterns);
    } finally {
      await step(
        'engine left',
        () => engine.stop(),
        () => (engine.isOurs ? 'stopped' : 'as it was'),
      );
    }
  } finally {
    for (const claimed of [folder, turn]) {
      claimed.release();
      rmSync(claimed.path, { recursive: true, force: true });
    }
  }
}

async function proveOn(engine: Engine, folder: string, patterns: string[]): Promise<void> {
  const base = await step(
    'base images',
    () => findBaseImages(ROOT, engine.commands),
    ({ arePublic, images }) => `${arePublic ? 'public' : 'made here'}: ${Object.values(images).join(', ')}`,
  );
  const image = await step(
    'service image',
    () => buildPlatformImage(base.images, ROOT, engine.commands),
    (name) => name,
  );
  const stack = await step(
    'platform up',
    () => startStack(engine, { ...base.images, PLATFORM_IMAGE: image }, { root: ROOT, folder }),
    () => 'everything in docker-compose.yml is healthy',
  );
  try {
    await step(
      'hardening',
      () => stack.inspect(),
      (versions) => `${versions}; nothing runs as root or can write to its root file system`,
    );
    await step(
      'demo',
      () => walkDemo({ ...stack, log: (line) => process.stdout.write(`         ${line}\n`) }),
      () => 'walked to its end',
    );
  } finally {
    await step(
      'platform down',
      () => stack.down(),
      () => 'containers, network and volumes removed',
    );
  }
  await step(
    'journeys',
    () => runJourneys(engine, base, patterns, ROOT),
    (tests) => tests,
  );
}

/** One line for each step: how long it took and what it found. */
async function step<T>(name: string, act: () => Promise<T>, describe: (result: T) => string): Promise<T> {
  const startedAt = performance.now();
  const tell = (outcome: string, what: string): void => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    process.stdout.write(`${outcome.padEnd(6)} ${seconds.padStart(6)} s  ${name}: ${what}\n`);
  };
  try {
    const result = await act();
    tell('ok', describe(result));
    return result;
  } catch (error) {
    tell('FAILED', reasonOf(error));
    throw error;
  }
}

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => interrupted.abort(new StartError('it was interrupted')));
try {
  await testContainers(process.argv.slice(2), interrupted.signal);
} catch (error) {
  process.stderr.write(`The container path is not proven: ${reasonOf(error)}\n`);
  process.exitCode = 1;
}
