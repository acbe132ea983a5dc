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
import { reasonOf } from './start-error.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/**
 * Proves the container path: docker-compose.yml on a real engine, the demo against it, then the journeys by Testcontainers.
 * `patterns` choose journeys as Jest's own arguments do. Takes down whatever it brought up; images stay, as a cache.
 */
async function testContainers(patterns: string[], signal: AbortSignal): Promise<void> {
  const claimed = await claimFolder(join(ROOT, '.local/test-containers'));
  const logFile = join(ROOT, '.local/logs/test-containers.log');
  rmSync(logFile, { force: true });
  try {
    const engine = await step('engine', async () => {
      const found = await useEngine(createCommands(process.env, logFile, signal));
      return [found, `${found.description}; ${found.compose.join(' ')}`];
    });
    try {
      await proveOn(engine, patterns);
    } finally {
      await step('engine left', async () => [await engine.stop(), engine.isOurs ? 'stopped' : 'as it was']);
    }
  } finally {
    claimed.release();
    rmSync(claimed.path, { recursive: true, force: true });
  }
}

async function proveOn(engine: Engine, patterns: string[]): Promise<void> {
  const base = await step('base images', async () => {
    const found = await findBaseImages(ROOT, engine.commands);
    return [found, `${found.arePublic ? 'public' : 'made here'}: ${Object.values(found.images).join(', ')}`];
  });
  const image = await step('service image', async () => {
    const name = await buildPlatformImage(base.images, ROOT, engine.commands);
    return [name, name];
  });
  const stack = await step('platform up', async () => [
    await startStack(engine, { ...base.images, PLATFORM_IMAGE: image }, ROOT),
    'all of docker-compose.yml healthy',
  ]);
  try {
    await step('hardening', async () => [undefined, await stack.inspect()]);
    await step('demo', async () => [await walkDemo(stack), 'walked to its end']);
  } finally {
    await step('platform down', async () => [await stack.down(), 'containers, network and volumes removed']);
  }
  await step('journeys', async () => [undefined, await runJourneys(engine, base, patterns, ROOT)]);
}

/** One line for each step: how long it took and what it found. */
async function step<T>(name: string, act: () => Promise<[T, string]>): Promise<T> {
  const startedAt = performance.now();
  const tell = (outcome: string, what: string): void => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    process.stdout.write(`${outcome.padEnd(6)} ${seconds.padStart(6)} s  ${name}: ${what}\n`);
  };
  try {
    const [result, found] = await act();
    tell('ok', found);
    return result;
  } catch (error) {
    tell('FAILED', reasonOf(error));
    throw error;
  }
}

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());
try {
  await testContainers(process.argv.slice(2), interrupted.signal);
} catch (error) {
  process.stderr.write(`The container path is not proven: ${reasonOf(error)}\n`);
  process.exitCode = 1;
}
