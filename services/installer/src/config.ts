import {
  commonSettings,
  identitySettings,
  integer,
  optionalText,
  readSettings,
  secretKeys,
  serviceKeySettings,
  text,
  type Environment,
} from '@verifywise/service-kit';
import { errorBudget } from './error-budget.ts';
import { strictestBudget } from './installation/error-budget.ts';

/** Everything the installer reads from its environment; limits are those of contract §3 and §4 unless said. */
export function readConfig(env: Environment) {
  return readSettings(env, {
    ...commonSettings,
    ...identitySettings,
    ...serviceKeySettings,
    port: integer('PORT', 4002, { min: 0, max: 65_535 }),
    secretsKeys: secretKeys('PLUGIN_SECRETS_KEY'),
    hostVersion: text('HOST_VERSION', '1.7.0'),
    builtinPluginsFolder: optionalText('BUILTIN_PLUGINS_FOLDER'),
    hookLimitMs: integer('HOOK_LIMIT_MS', 30_000, { min: 100 }),
    installHookLimitMs: integer('INSTALL_HOOK_LIMIT_MS', 120_000, { min: 100 }),
    hookGraceMs: integer('HOOK_GRACE_MS', 15_000, { min: 0 }),
    errorBudget: errorBudget('PLUGIN_ERROR_BUDGET', strictestBudget),
    operationLeaseMs: integer('OPERATION_LEASE_MS', 15_000, { min: 300 }),
    operationsKeptDays: integer('OPERATIONS_KEPT_DAYS', 90, { min: 1, max: 3_650 }),
    downloadLimitBytes: integer('DOWNLOAD_LIMIT_BYTES', 50 * 1024 * 1024, { min: 1 }),
    uploadLimitBytes: integer('UPLOAD_LIMIT_BYTES', 10 * 1024 * 1024, { min: 1 }),
    downloadDeadlineMs: integer('DOWNLOAD_DEADLINE_MS', 60_000, { min: 100 }),
  });
}

export type InstallerConfig = ReturnType<typeof readConfig>;
