import { availableParallelism, hostname, tmpdir } from 'node:os';
import { randomBytes } from 'node:crypto';
import { isAbsolute, join } from 'node:path';
import {
  commonSettings,
  decimal,
  identitySettings,
  integer,
  json,
  list,
  optionalText,
  optionalUrl,
  readSettings,
  secretKeys,
  serviceKeySettings,
  text,
  url,
} from '@verifywise/service-kit';
import type { Setting } from '@verifywise/service-kit';
import { Egress } from './isolate/guards/egress.ts';
import type { CoreRelations } from './store/plugin-database/core-views.ts';

/** Enough that the cores are never without work, few enough that one that begins is not the last of a hundred. */
const HANDLERS_A_CORE = 8;

const coreModelsSchema = {
  type: 'object',
  additionalProperties: {
    type: 'object',
    required: ['relation'],
    additionalProperties: false,
    properties: {
      relation: { type: 'string', pattern: '^[a-z_][a-z0-9_]*\\.[a-z_][a-z0-9_]*$' },
      view: { type: 'string', pattern: '^[a-z_][a-z0-9_]*$' },
    },
  },
};

/** A list in which `check` finds nothing to throw about. */
function checkedList(name: string, example: string, check: (entries: string[]) => void): Setting<string[]> {
  return {
    read(env) {
      const reading = list(name).read(env);
      try {
        if (reading.ok) check(reading.value);
        return reading;
      } catch (error) {
        return { ok: false, problem: `${name}: ${(error as Error).message}; for example ${name}=${example}.` };
      }
    },
  };
}

/** What plugins with `http:outbound` reach beyond the internet. */
const egressAllowed = checkedList('PLUGIN_EGRESS_ALLOW', 'db.internal:5432,10.1.0.0/16', (entries) => {
  new Egress(entries);
});

/** What plugins with `filesystem:read` read beyond their own. */
const readableFolders = checkedList('PLUGIN_READABLE_FOLDERS', '/srv/shared', (folders) => {
  const relative = folders.find((folder) => !isAbsolute(folder));
  if (relative !== undefined) throw new Error(`"${relative}" is no absolute path`);
});

/** What a runner is told by its environment, checked and complete. */
export function readConfig(env: NodeJS.ProcessEnv) {
  const settings = readSettings(env, {
    ...commonSettings,
    ...identitySettings,
    ...serviceKeySettings,
    port: integer('PORT', 4003, { min: 0, max: 65_535 }),
    installerUrl: url('INSTALLER_URL'),
    webhookGatewayUrl: url('WEBHOOK_GATEWAY_URL', 'http://127.0.0.1:4005'),
    secretKeys: secretKeys('PLUGIN_SECRETS_KEY'),
    runnerId: optionalText('RUNNER_ID'),
    runnerUrl: optionalUrl('RUNNER_URL'),
    scratchFolder: text('RUNNER_SCRATCH_FOLDER', join(tmpdir(), 'verifywise-runner')),
    path: text('PATH', '/usr/local/bin:/usr/bin:/bin'),
    readableFolders,
    egressAllowed,
    isolateHeapMb: integer('ISOLATE_HEAP_MB', 128, { min: 16, max: 16_384 }),
    isolateMemoryMb: integer('ISOLATE_MEMORY_MB', 256, { min: 64, max: 1_048_576 }),
    idleStopMinutes: decimal('RUNNER_IDLE_STOP_MINUTES', 0, { min: 0, max: 100_000 }),
    hangLimitMs: integer('ISOLATE_HANG_LIMIT_MS', 3_000, { min: 500, max: 600_000 }),
    pluginLogLines: integer('PLUGIN_LOG_LINES', 5_000, { min: 10, max: 1_000_000 }),
    handlerLimitMs: integer('HANDLER_LIMIT_MS', 30_000, { min: 100, max: 600_000 }),
    parkAfterMs: integer('EVENT_PARK_AFTER_MS', 1_000, { min: 10, max: 600_000 }),
    handlersAtOnce: integer('EVENT_HANDLERS_AT_ONCE', HANDLERS_A_CORE * availableParallelism(), {
      min: 1,
      max: 10_000,
    }),
    handlersOfATenant: integer('EVENT_HANDLERS_OF_A_TENANT', (HANDLERS_A_CORE / 2) * availableParallelism(), {
      min: 1,
      max: 10_000,
    }),
    filterLimitMs: integer('FILTER_LIMIT_MS', 1_000, { min: 10, max: 60_000 }),
    pluginDatabaseUrl: optionalUrl('PLUGIN_DATABASE_URL', { schemes: ['postgres', 'postgresql'] }),
    pluginConnections: integer('PLUGIN_DATABASE_CONNECTIONS', 40, { min: 1, max: 10_000 }),
    statementLimitMs: integer('PLUGIN_STATEMENT_TIMEOUT_MS', 10_000, { min: 100, max: 25_000 }),
    rowLimit: integer('PLUGIN_ROW_LIMIT', 10_000, { min: 1, max: 1_000_000 }),
    coreModels: json<CoreRelations>('CORE_MODELS', coreModelsSchema, {}),
    coreViewsSchema: text('CORE_VIEWS_SCHEMA', 'core_views'),
    middlewareLimitMs: integer('MIDDLEWARE_LIMIT_MS', 1_000, { min: 10, max: 60_000 }),
  });
  return Object.freeze({
    ...settings,
    // A restarted runner is a new member: what the one before had in hand is not its own.
    runnerId: settings.runnerId ?? `${hostname()}-${randomBytes(4).toString('hex')}`,
  });
}

export type RunnerConfig = ReturnType<typeof readConfig>;
