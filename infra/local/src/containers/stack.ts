import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../backing/free-port.ts';
import { untilReady } from '../backing/until-ready.ts';
import { StartError } from '../start-error.ts';
import type { Commands } from './commands.ts';
import type { Engine } from './engine.ts';
import type { Images } from './images.ts';

const UP_WITHIN_MS = 300_000;
const DOWN_WITHIN_MS = 180_000;
const HEALTHY_WITHIN_MS = 180_000;
const ANSWERS_WITHIN_MS = 30_000;
/** Docker's restart policy begins with a tenth of a second and doubles. */
const RESTARTED_WITHIN_MS = 60_000;
const PAUSE_BETWEEN_LOOKS_MS = 500;
const PORTS = [
  'RABBITMQ_PORT',
  'POSTGRES_PORT',
  'REDIS_PORT',
  'REGISTRY_CACHE_PORT',
  'INSTALLER_PORT',
  'SCHEDULER_PORT',
  'DEMO_PLATFORM_PORT',
  'LOCAL_REGISTRY_PORT',
];
/** The engine chooses, and nobody can take the port before it is opened. */
const ANY_PORT = '0';

/** The platform of docker-compose.yml with ports, keys, volumes and a project of its own. */
export interface Stack {
  readonly platformUrl: string;
  readonly registryUrl: string;
  /** Kills the runner's process as a crash would; its container is started again by the engine. Resolves when it is ready. */
  killRunner(): Promise<void>;
  /** Fails unless every container runs without root on a file system it cannot write. Returns the versions of the three backing services. */
  inspect(): Promise<string>;
  down(): Promise<void>;
}

interface Container {
  id: string;
  service: string;
  health: string;
  user: string;
  isReadOnly: boolean;
  startedAt: string;
}

/** Resolves when every container is healthy; otherwise takes everything down and rejects with what the ill one said last. */
export async function startStack(
  engine: Engine,
  images: Images & { PLATFORM_IMAGE: string },
  { root, folder }: { root: string; folder: string },
): Promise<Stack> {
  const project = `verifywise-test-${createHash('sha256').update(root).digest('hex').slice(0, 8)}`;
  const keys = join(folder, 'docker.env');
  const webhookPort = await freePort();
  const commands = engine.commands.withEnvironment({
    ...images,
    ...Object.fromEntries(PORTS.map((name) => [name, ANY_PORT])),
    // Senders of webhooks are told the address, so this port is known before it is opened.
    WEBHOOK_GATEWAY_PORT: String(webhookPort),
    WEBHOOK_PUBLIC_URL: `http://127.0.0.1:${webhookPort}`,
  });
  const compose = (owner: Commands, within: number, ...args: string[]): Promise<string> => {
    const [program = '', ...prefix] = engine.compose;
    return owner.run(program, [...prefix, '--project-name', project, '--env-file', keys, ...args], {
      within,
      cwd: root,
    });
  };
  const down = async (): Promise<void> => {
    // What the containers said goes into our log, because it goes away with them.
    await compose(commands.uninterrupted(), DOWN_WITHIN_MS, 'logs', '--no-color');
    await compose(commands.uninterrupted(), DOWN_WITHIN_MS, 'down', '--volumes', '--remove-orphans');
  };
  const urlOf = async (service: string, port: number): Promise<string> =>
    `http://${(await compose(commands, ANSWERS_WITHIN_MS, 'port', service, String(port))).trim()}`;
  await commands.run(process.execPath, ['infra/docker/keys.ts', keys], { within: ANSWERS_WITHIN_MS, cwd: root });
  try {
    // A run that was killed leaves containers behind, which the engine starts again.
    await compose(commands, DOWN_WITHIN_MS, 'down', '--volumes', '--remove-orphans');
    await compose(commands, UP_WITHIN_MS, 'up', '--detach', '--no-build');
    await untilHealthy(project, commands);
    return {
      platformUrl: await urlOf('demo-platform', 4000),
      registryUrl: await urlOf('local-registry', 4010),
      killRunner: () => killRunner(project, commands),
      inspect: () => inspect(project, commands),
      down,
    };
  } catch (error) {
    await down();
    throw error;
  }
}

async function containersOf(project: string, commands: Commands): Promise<Container[]> {
  const label = `label=com.docker.compose.project=${project}`;
  const ids = await commands.run('docker', ['ps', '--all', '--quiet', '--no-trunc', '--filter', label], {
    within: ANSWERS_WITHIN_MS,
  });
  const wanted = [
    '.Id',
    'index .Config.Labels "com.docker.compose.service"',
    'if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end',
    '.Config.User',
    '.HostConfig.ReadonlyRootfs',
    '.State.StartedAt',
  ];
  const format = wanted.map((field) => `{{${field}}}`).join('|');
  const text = await commands.run('docker', ['inspect', '--format', format, ...ids.split('\n').filter(Boolean)], {
    within: ANSWERS_WITHIN_MS,
  });
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [id = '', service = '', health = '', user = '', readOnly = '', startedAt = ''] = line.split('|');
      return { id, service, health, user, isReadOnly: readOnly === 'true', startedAt };
    });
}

async function untilHealthy(project: string, commands: Commands): Promise<void> {
  const deadline = Date.now() + HEALTHY_WITHIN_MS;
  for (;;) {
    const ill = (await containersOf(project, commands)).filter(({ health }) => health !== 'healthy');
    const [first] = ill;
    if (first === undefined) return;
    if (Date.now() > deadline || ill.some(({ health }) => health === 'unhealthy')) {
      const culprit = ill.find(({ health }) => health === 'unhealthy') ?? first;
      const words = await commands.run('docker', ['logs', '--tail', '5', culprit.id], { within: ANSWERS_WITHIN_MS });
      throw new StartError(`${culprit.service} is ${culprit.health}: ${words.trim()} (${commands.logFile})`);
    }
    await pause(PAUSE_BETWEEN_LOOKS_MS);
  }
}

async function killRunner(project: string, commands: Commands): Promise<void> {
  const before = (await containersOf(project, commands)).find(({ service }) => service === 'plugin-runner');
  if (before === undefined) throw new StartError('There is no plugin-runner to kill');
  // `docker kill` counts as a wish to have it stopped, so the only child of the container's init is killed instead.
  const kill = 'kill -KILL $(cat /proc/1/task/1/children)';
  await commands.succeeds('docker', ['exec', before.id, 'sh', '-c', kill], { within: ANSWERS_WITHIN_MS });
  await untilReady({
    what: 'the killed plugin-runner',
    within: RESTARTED_WITHIN_MS,
    probe: async () => {
      const after = (await containersOf(project, commands)).find(({ id }) => id === before.id);
      if (after === undefined || after.startedAt === before.startedAt) throw new Error('it was not started again');
      if (after.health !== 'healthy') throw new Error(`it is ${after.health}`);
    },
  });
}

async function inspect(project: string, commands: Commands): Promise<string> {
  const containers = await containersOf(project, commands);
  const careless = containers.filter(({ user, isReadOnly }) => ['', 'root', '0'].includes(user) || !isReadOnly);
  if (careless.length > 0) {
    throw new StartError(`${careless.map(({ service }) => service).join(', ')} run as root or can write to their root`);
  }
  const ask = async (service: string, ...question: string[]): Promise<string> => {
    const id = containers.find((container) => container.service === service)?.id ?? service;
    const answer = await commands.run('docker', ['exec', id, ...question], { within: ANSWERS_WITHIN_MS });
    return /\d+\.\d+(\.\d+)?/.exec(answer)?.[0] ?? answer.trim();
  };
  const rabbitmq = await ask('rabbitmq', 'rabbitmqctl', 'version');
  if (Number(rabbitmq.split('.')[0]) < 4) throw new StartError(`The broker is RabbitMQ ${rabbitmq}, not 4`);
  const postgres = await ask('postgres', 'postgres', '--version');
  const valkey = await ask('redis', 'valkey-server', '--version');
  const node = await ask('plugin-runner', 'node', '--version');
  return `RabbitMQ ${rabbitmq}, PostgreSQL ${postgres}, Valkey ${valkey}, Node ${node}`;
}
