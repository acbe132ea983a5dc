import { fileURLToPath } from 'node:url';
import { StartError } from '../start-error.ts';
import type { DockerOptions } from './containers.ts';
import { freePort } from './free-port.ts';
import { handshakeOf } from './from-environment.ts';
import { runCommand, type CommandResult } from './run-command.ts';
import type { RunningService, ServiceName } from './running-service.ts';
import { untilReady } from './until-ready.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const PORTS_FILE = 'infra/local/backing-ports.compose.yml';
/** Not the project of `docker compose up`: both may run, each with its own data. */
const PROJECT = 'verifywise-local';
/** The first start downloads three images. */
const UP_WITHIN_MS = 900_000;
const ANSWERED_WITHIN_MS = 60_000;
const READY_WITHIN_MS = 120_000;

/** The part of `docker compose config` that we read. */
interface ComposeConfig {
  services: Partial<Record<string, { environment?: Record<string, string | null> }>>;
}

type Credentials = (name: ServiceName, variable: string, otherwise: string) => string;

/** The three services of docker-compose.yml, on free ports of this machine, with their volumes. */
export async function startComposeServices(
  names: ServiceName[],
  { env, fresh, log }: DockerOptions,
): Promise<Map<ServiceName, RunningService>> {
  const ports = { rabbitmq: await freePort(), postgres: await freePort(), redis: await freePort() };
  const composeEnv = {
    ...env,
    BROKER_HOST_PORT: String(ports.rabbitmq),
    DATABASE_HOST_PORT: String(ports.postgres),
    REDIS_HOST_PORT: String(ports.redis),
  };
  const compose = (within: number, ...args: string[]): Promise<CommandResult> =>
    runCommand('docker', ['compose', '-p', PROJECT, '-f', 'docker-compose.yml', '-f', PORTS_FILE, ...args], {
      within,
      env: composeEnv,
      cwd: ROOT,
    });
  if (!(await compose(ANSWERED_WITHIN_MS, 'version')).ok) throw new StartError('docker compose is not installed');
  const credentials = readCredentials(await compose(ANSWERED_WITHIN_MS, 'config', '--format', 'json'));
  if (fresh) await compose(UP_WITHIN_MS, 'down', '--volumes');
  log(`Starting ${names.join(', ')} with Docker Compose`);
  const up = await compose(UP_WITHIN_MS, 'up', '--detach', ...names);
  const stop = async (): Promise<void> => {
    await compose(UP_WITHIN_MS, 'stop', ...names);
  };
  if (!up.ok) {
    await stop();
    throw new StartError(up.complaint);
  }
  try {
    const started = new Map<ServiceName, RunningService>();
    for (const name of names) {
      const url = urlOf(name, ports[name], credentials);
      const ready = (): Promise<void> =>
        untilReady({ what: `${name} of Docker Compose`, within: READY_WITHIN_MS, probe: () => handshakeOf[name](url) });
      await ready();
      started.set(name, {
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
      });
    }
    return started;
  } catch (error) {
    await stop();
    throw error;
  }
}

function readCredentials(config: CommandResult): Credentials {
  if (!config.ok) throw new StartError(`docker compose: ${config.complaint}`);
  const { services } = JSON.parse(config.stdout) as ComposeConfig;
  return (name, variable, otherwise) => services[name]?.environment?.[variable] ?? otherwise;
}

function urlOf(name: ServiceName, port: number, credentials: Credentials): string {
  const url = new URL(`${{ rabbitmq: 'amqp', postgres: 'postgres', redis: 'redis' }[name]}://127.0.0.1:${port}`);
  if (name === 'rabbitmq') {
    url.username = credentials(name, 'RABBITMQ_DEFAULT_USER', 'guest');
    url.password = credentials(name, 'RABBITMQ_DEFAULT_PASS', 'guest');
  }
  if (name === 'postgres') {
    url.username = credentials(name, 'POSTGRES_USER', 'postgres');
    url.password = credentials(name, 'POSTGRES_PASSWORD', '');
    url.pathname = credentials(name, 'POSTGRES_DB', 'postgres');
  }
  return url.href;
}
