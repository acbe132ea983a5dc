import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { contractLimits } from './package/package-limits.ts';

const TWO_GB = 2 ** 31 - 1;

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
    packagesKeptDays: integer('PACKAGES_KEPT_DAYS', 30, { min: 1, max: 3_650 }),
    // Beyond 2 GB a zip would need what is refused.
    downloadLimitBytes: integer('DOWNLOAD_LIMIT_BYTES', contractLimits.downloadBytes, { min: 1, max: TWO_GB }),
    uploadLimitBytes: integer('UPLOAD_LIMIT_BYTES', contractLimits.uploadBytes, { min: 1, max: TWO_GB }),
    packageEntryLimit: integer('PACKAGE_ENTRY_LIMIT', contractLimits.entries, { min: 1, max: 65_534 }),
    packageFileLimitBytes: integer('PACKAGE_FILE_LIMIT_BYTES', contractLimits.fileBytes, { min: 1, max: TWO_GB }),
    packageTotalLimitBytes: integer('PACKAGE_TOTAL_LIMIT_BYTES', contractLimits.totalBytes, { min: 1, max: TWO_GB }),
    packageRatioLimit: integer('PACKAGE_RATIO_LIMIT', contractLimits.ratio, { min: 1 }),
    packageScratchFolder: text('PACKAGE_SCRATCH_FOLDER', join(tmpdir(), 'verifywise-packages')),
    downloadDeadlineMs: integer('DOWNLOAD_DEADLINE_MS', 60_000, { min: 100 }),
  });
}

export type InstallerConfig = ReturnType<typeof readConfig>;
