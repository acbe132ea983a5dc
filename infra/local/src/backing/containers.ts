import { reasonOf, StartError } from '../start-error.ts';
import { ensureImage, killContainer } from './docker-engine.ts';
import { freePort } from './free-port.ts';
import { handshakeOf } from './from-environment.ts';
import { imageOf } from './images.ts';
import type { RunningService, ServiceName } from './running-service.ts';
import { untilReady } from './until-ready.ts';

const READY_WITHIN_MS = 120_000;

export interface DockerOptions {
  env: NodeJS.ProcessEnv;
  fresh: boolean;
  log: (line: string) => void;
  signal?: AbortSignal | undefined;
}

interface Recipe {
  port: number;
  environment: Record<string, string>;
  urlAt: (port: number) => string;
}

const recipes: Record<ServiceName, Recipe> = {
  rabbitmq: { port: 5672, environment: {}, urlAt: (port) => `amqp://guest:guest@127.0.0.1:${port}` },
  postgres: {
    port: 5432,
    environment: { POSTGRES_USER: 'postgres', POSTGRES_PASSWORD: 'verifywise', POSTGRES_DB: 'verifywise' },
    urlAt: (port) => `postgres://postgres:verifywise@127.0.0.1:${port}/verifywise`,
  },
  redis: { port: 6379, environment: {}, urlAt: (port) => `redis://127.0.0.1:${port}` },
};

/** Throw-away containers for tests, by Testcontainers. */
export async function startContainers(
  names: ServiceName[],
  { env, log, signal }: DockerOptions,
): Promise<Map<ServiceName, RunningService>> {
  for (const name of names) await ensureImage(imageOf(name, env), env);
  log(`Starting ${names.join(', ')} in containers`);
  const outcomes = await Promise.allSettled(names.map((name) => startContainer(name, env, signal)));
  const started = new Map<ServiceName, RunningService>();
  outcomes.forEach((outcome, index) => {
    const name = names[index];
    if (outcome.status === 'fulfilled' && name !== undefined) started.set(name, outcome.value);
  });
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) {
    for (const service of started.values()) await service.stop();
    throw new StartError(reasonOf(failed.reason));
  }
  return started;
}

async function startContainer(
  name: ServiceName,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<RunningService> {
  // Loaded only here: it takes half a second, which a machine without Docker need not wait for.
  const { GenericContainer } = await import('testcontainers');
  const { port, environment, urlAt } = recipes[name];
  // A port that the engine chooses would change when the container is restarted.
  const hostPort = await freePort();
  const url = urlAt(hostPort);
  const ready = (): Promise<void> =>
    untilReady({
      what: `${name} in a container`,
      within: READY_WITHIN_MS,
      probe: () => handshakeOf[name](url),
      signal,
    });
  const container = await new GenericContainer(imageOf(name, env))
    .withEnvironment(environment)
    .withExposedPorts({ container: port, host: hostPort })
    .withStartupTimeout(READY_WITHIN_MS)
    .start();
  await ready();
  return {
    url,
    how: 'docker',
    async stop() {
      await container.stop();
    },
    async restart() {
      await container.restart();
      await ready();
    },
    kill: () => killContainer(container.getId(), env),
  };
}
