import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { coreModels } from './core-models.ts';
import type { PlatformKeys, Signer } from './platform-keys.ts';
import type { Listener, Ports } from './ports.ts';
import type { Command } from './private-process.ts';
import type { SupervisedCommand } from './supervised-process.ts';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

const HOST = '127.0.0.1';
/** Shorter than in production: on one machine nobody else takes over what a drain leaves. */
const STOP_DEADLINE_MS = 8_000;

const scripts: Record<Listener, string> = {
  'local-registry': 'infra/registry/src/main.ts',
  'demo-platform': 'infra/demo-platform/src/main.ts',
  'registry-cache': 'services/registry-cache/src/main.ts',
  installer: 'services/installer/src/main.ts',
  'plugin-runner': 'services/plugin-runner/src/main.ts',
  scheduler: 'services/scheduler/src/main.ts',
  'webhook-gateway': 'services/webhook-gateway/src/main.ts',
};

/** Packages go through buffers; a small young generation keeps fewer of them waiting to be collected. */
const nodeFlags: Partial<Record<Service, string[]>> = { installer: ['--max-semi-space-size=2'] };

/** Where a platform runs. */
export interface Place {
  folder: string;
  ports: Ports;
  /** The environment we were started in. */
  env: NodeJS.ProcessEnv;
}

export interface Surroundings extends Place {
  keys: PlatformKeys;
  addresses: { brokerUrl: string; databaseUrl: string; redisUrl: string };
  /** Settings every process gets on top, and settings of one of them. */
  settings: Record<string, string>;
  settingsOf: Partial<Record<Listener, Record<string, string>>>;
  programs: Partial<Record<Listener, string>>;
}

export type Service = Exclude<Listener, 'local-registry'>;

export function urlAt(port: number): string {
  return `http://${HOST}:${port}`;
}

/** The local registry needs no backing service, so it starts beside them. */
export function registryCommand(place: Place): SupervisedCommand {
  const name = 'local-registry';
  const port = place.ports[name];
  return {
    ...nodeCommand(name, place, port, scripts[name], {
      PLUGINS_FOLDER: join(ROOT, 'plugins'),
      OUTPUT_FOLDER: registryFolder(place),
      PUBLIC_URL: urlAt(port),
    }),
    readyUrl: `${urlAt(port)}/registry.json`,
  };
}

/** How one service is started; a second process of it has a name and a port of its own. */
export function commandOf(
  kind: Service,
  around: Surroundings,
  { name, port } = { name: kind as string, port: around.ports[kind] },
): SupervisedCommand {
  const command = nodeCommand(name, around, port, around.programs[kind] ?? scripts[kind], {
    STOP_DEADLINE_MS: String(STOP_DEADLINE_MS),
    ...settingsOf(kind, around, name),
    ...around.settings,
    ...around.settingsOf[kind],
  });
  return {
    ...command,
    args: [...(nodeFlags[kind] ?? []), ...command.args],
    readyUrl: `${urlAt(port)}/readyz`,
  };
}

function nodeCommand(
  name: string,
  place: Place,
  port: number,
  script: string,
  settings: Record<string, string>,
): Command {
  return {
    name,
    program: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', join(ROOT, script)],
    cwd: ROOT,
    env: { ...machineSettings(place.env), HOST, PORT: String(port), ...settings },
    logFile: join(place.folder, 'logs', `${name}.log`),
  };
}

/** Where the local registry keeps the zips it packs. */
function registryFolder({ folder }: Pick<Place, 'folder'>): string {
  return join(folder, 'registry');
}

/** Where runners unpack packages: short, because the sockets of isolates live there and their paths may have 107 bytes. */
export function scratchFolder(platformFolder: string): string {
  return join(tmpdir(), `vw-${createHash('sha256').update(platformFolder).digest('hex').slice(0, 10)}`);
}

/** What docs/settings.md lets people try: the same names in every way to run the platform. */
const hostingSettings = [
  ...['PLUGIN_ERROR_BUDGET', 'PLUGIN_LOG_LINES', 'ISOLATE_HEAP_MB', 'ISOLATE_MEMORY_MB', 'ISOLATE_HANG_LIMIT_MS'],
  ...['RUNNER_IDLE_STOP_MINUTES', 'HANDLER_LIMIT_MS', 'FILTER_LIMIT_MS', 'MIDDLEWARE_LIMIT_MS'],
  ...['EVENT_PARK_AFTER_MS', 'EVENT_HANDLERS_AT_ONCE', 'EVENT_HANDLERS_OF_A_TENANT'],
  ...['HOOK_LIMIT_MS', 'INSTALL_HOOK_LIMIT_MS', 'PLUGIN_EGRESS_ALLOW', 'PLUGIN_READABLE_FOLDERS'],
  ...[
    'UPLOAD_LIMIT_BYTES',
    'DOWNLOAD_LIMIT_BYTES',
    'DOWNLOAD_DEADLINE_MS',
    'PACKAGE_ENTRY_LIMIT',
    'PACKAGE_RATIO_LIMIT',
  ],
  ...['PACKAGE_FILE_LIMIT_BYTES', 'PACKAGE_TOTAL_LIMIT_BYTES', 'PACKAGE_SCRATCH_FOLDER'],
  ...['OPERATIONS_KEPT_DAYS', 'PACKAGES_KEPT_DAYS'],
  ...['JOB_LIMIT_MS', 'JOB_HANDLER_WAIT_MS', 'JOBS_PER_PLUGIN', 'JOB_SHORTEST_INTERVAL_MS', 'JOB_HISTORY_DAYS'],
  ...['JOB_RUNS_PER_PLUGIN', 'JOB_RUNS_PER_TENANT'],
  ...['PLUGIN_DATABASE_CONNECTIONS', 'PLUGIN_STATEMENT_TIMEOUT_MS', 'PLUGIN_ROW_LIMIT'],
];

/** What a program needs of the machine; nothing else of our environment reaches a service by accident. */
function machineSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passed = ['HOME', 'LANG', 'TZ', 'TMPDIR', 'LOG_LEVEL', 'PARTITIONS', 'SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'];
  const known = [...passed, ...hostingSettings].flatMap((name) =>
    env[name] === undefined ? [] : [[name, env[name]] as const],
  );
  return {
    ...Object.fromEntries(known),
    PATH: `${join(ROOT, 'node_modules/.bin')}:${env['PATH'] ?? ''}`,
    // Compiled code is kept between starts, which spares most of the second one.
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/node-compile'),
  };
}

function settingsOf(kind: Service, around: Surroundings, name: string): Record<string, string> {
  const { ports, addresses } = around;
  const shared = {
    BROKER_URL: addresses.brokerUrl,
    DATABASE_URL: addresses.databaseUrl,
    JWKS_URL: `${urlAt(ports['demo-platform'])}/.well-known/jwks.json`,
  };
  if (kind === 'demo-platform') {
    return { ...shared, ...addressesOfServices(ports), KEYS_FILE: join(around.folder, 'token-key.json') };
  }
  return {
    ...shared,
    SERVICE_SIGNING_KEY: around.keys.signingKeys[kind],
    SERVICE_TRUSTED_KEYS: around.keys.trustedKeys,
    ...ownSettings(kind, around, name),
  };
}

function addressesOfServices(ports: Ports): Record<string, string> {
  return {
    REGISTRY_CACHE_URL: urlAt(ports['registry-cache']),
    INSTALLER_URL: urlAt(ports.installer),
    RUNNER_URL: urlAt(ports['plugin-runner']),
    SCHEDULER_URL: urlAt(ports.scheduler),
    WEBHOOK_GATEWAY_URL: urlAt(ports['webhook-gateway']),
  };
}

function ownSettings(kind: Signer, around: Surroundings, name: string): Record<string, string> {
  const { ports, addresses, keys } = around;
  const redis = { REDIS_URL: addresses.redisUrl };
  switch (kind) {
    case 'registry-cache':
      return {
        ...redis,
        REGISTRIES: JSON.stringify([localRegistry(ports)]),
        // Registries may have tokens, which are stored sealed.
        PLUGIN_SECRETS_KEY: keys.pluginSecretsKey,
      };
    case 'installer':
      return {
        PLUGIN_SECRETS_KEY: keys.pluginSecretsKey,
        // The registry has packed them before any service starts.
        BUILTIN_PLUGINS_FOLDER: join(registryFolder(around), 'downloads'),
      };
    case 'plugin-runner':
      return {
        PLUGIN_SECRETS_KEY: keys.pluginSecretsKey,
        INSTALLER_URL: urlAt(ports.installer),
        RUNNER_SCRATCH_FOLDER: join(scratchFolder(around.folder), name),
        CORE_MODELS: JSON.stringify(coreModels),
      };
    case 'scheduler':
      return redis;
    case 'webhook-gateway':
      return { ...redis, PUBLIC_URL: urlAt(ports['webhook-gateway']) };
  }
}

function localRegistry(ports: Ports): object {
  const url = `${urlAt(ports['local-registry'])}/registry.json`;
  return { name: 'local', url, verified: true, local: true, allowedHosts: [HOST] };
}
