import { fileURLToPath } from 'node:url';
import { StartError } from '../start-error.ts';
import type { DockerOptions } from './containers.ts';
import { freePort } from './free-port.ts';
import { handshakeOf } from './from-environment.ts';
import { runCommand, type CommandResult } from './run-command.ts';
import type { RunningService, ServiceName } from './running-service.ts';
import { untilReady } from './until-ready.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
/** Not the project of `docker compose up`: both may run, each with its own data. */
const PROJECT = 'verifywise-local';
const ANSWERED_WITHIN_MS = 30_000;
/** The first start downloads three images. */
const UP_WITHIN_MS = 900_000;
const READY_WITHIN_MS = 120_000;
/** No secret: the ports are open on 127.0.0.1 only. */
const PASSWORD = 'verifywise';

type Compose = (within: number, ...args: string[]) => Promise<CommandResult>;

/** The three services of docker-compose.yml with their volumes, on free ports of this machine. */
export async function startComposeServices(
  names: ServiceName[],
  { env, fresh, log, signal }: DockerOptions,
): Promise<Map<ServiceName, RunningService>> {
  const ports = { rabbitmq: await freePort(), postgres: await freePort(), redis: await freePort() };
  const compose = await findCompose({
    ...env,
    RABBITMQ_PORT: String(ports.rabbitmq),
    POSTGRES_PORT: String(ports.postgres),
    REDIS_PORT: String(ports.redis),
    RABBITMQ_PASSWORD: PASSWORD,
    POSTGRES_PASSWORD: PASSWORD,
    REDIS_PASSWORD: '',
  });
  if (fresh) await compose(UP_WITHIN_MS, 'down', '--volumes');
  const hadData = await hasVolumes(env);
  log(`Starting ${names.join(', ')} with Docker Compose`);
  const up = await compose(UP_WITHIN_MS, 'up', '--detach', ...names);
  try {
    if (!up.ok) throw new StartError(up.complaint);
    const started = new Map<ServiceName, RunningService>();
    for (const name of names) started.set(name, await composeService(name, ports[name], compose, signal));
    return started;
  } catch (error) {
    // What this attempt made goes with it, and data that was there before stays.
    await compose(UP_WITHIN_MS, 'down', ...(hadData ? [] : ['--volumes']));
    throw error;
  }
}

/** Whether an earlier start left data; when nobody can tell, it counts as there. */
async function hasVolumes(env: NodeJS.ProcessEnv): Promise<boolean> {
  const filter = ['--filter', `label=com.docker.compose.project=${PROJECT}`];
  const options = { env, within: ANSWERED_WITHIN_MS };
  const { ok, stdout } = await runCommand('docker', ['volume', 'ls', '--quiet', ...filter], options);
  return !ok || stdout.trim() !== '';
}

/** Compose is a plugin of Docker or, on Debian 12, a program of its own. */
async function findCompose(env: NodeJS.ProcessEnv): Promise<Compose> {
  const candidates: [string, ...string[]][] = [['docker', 'compose'], ['docker-compose']];
  for (const [program, ...first] of candidates) {
    const options = { env, cwd: ROOT };
    if (!(await runCommand(program, [...first, 'version'], { ...options, within: ANSWERED_WITHIN_MS })).ok) continue;
    return (within, ...args) => runCommand(program, [...first, '-p', PROJECT, ...args], { ...options, within });
  }
  throw new StartError('Docker Compose is not installed');
}

async function composeService(
  name: ServiceName,
  port: number,
  compose: Compose,
  signal: AbortSignal | undefined,
): Promise<RunningService> {
  const url = {
    rabbitmq: `amqp://verifywise:${PASSWORD}@127.0.0.1:${port}`,
    postgres: `postgres://verifywise:${PASSWORD}@127.0.0.1:${port}/verifywise`,
    redis: `redis://127.0.0.1:${port}`,
  }[name];
  const ready = (): Promise<void> =>
    untilReady({
      what: `${name} of Docker Compose`,
      within: READY_WITHIN_MS,
      probe: () => handshakeOf[name](url),
      signal,
    });
  await ready();
  return {
    url,
    how: 'docker',
    async stop() {
      await compose(UP_WITHIN_MS, 'stop', name);
    },
    async restart() {
      await compose(UP_WITHIN_MS, 'restart', name);
      await ready();
    },
    async kill() {
      await compose(UP_WITHIN_MS, 'kill', name);
    },
  };
}
