import { PlatformError, PluginDisabled } from '@verifywise/contracts';
import type { ErrorAnswer, PluginFailure, PluginState } from '@verifywise/contracts';

import { pauseBeforeStart } from './error-budget.ts';
import { PluginNotInstalledError } from './errors.ts';
import type { InstalledRecord, PluginError, Target } from './installed-plugin.ts';
import type { Aftermath } from './next-words.ts';
import { suggestedFix } from './suggested-fix.ts';
import { fixOf } from './told-reason.ts';
import type { Transaction } from './transaction.ts';

type Change = Partial<Omit<InstalledRecord, 'tenant' | 'pluginId' | 'generation' | 'target'>>;

/** Makes the target true: the row becomes what the hooks have seen, under the generation they have seen. */
export async function settle(
  tx: Transaction,
  tenant: string,
  pluginId: string,
  change: Change,
): Promise<InstalledRecord> {
  const record = await lock(tx, tenant, pluginId);
  const failure = record.target?.failure;
  if (failure !== undefined) {
    throw new PlatformError('PLUGIN_CRASHED', `${pluginId} failed right after its hook: ${failure.message}`);
  }
  const settled = { ...record, ...change, target: null, updatedAt: new Date() };
  settled.generation = isSeen(record.target, settled) ? record.target.generation : await tx.nextGeneration();
  await tx.saveInstallation(settled);
  await tx.tellRunner(settled);
  return settled;
}

/** Whether the runner knows this under the target's generation already; it would not take something else under the same one. */
function isSeen(target: Target | null, settled: InstalledRecord): target is Target {
  if (target === null) return false;
  const { state, desired, version } = settled;
  return target.state === state && target.desired === desired && target.version === version;
}

/** Something went wrong: disabled, in error, with the error kept and the admin alerted (S:14.1, S:14.2). */
export async function settleInError(
  tx: Transaction,
  record: InstalledRecord,
  error: PluginError,
  alertId: string,
  failure?: PluginFailure,
): Promise<InstalledRecord> {
  const wasEnabled = record.desired === 'enabled';
  const settled: InstalledRecord = {
    ...record,
    state: 'error',
    desired: 'disabled',
    generation: await tx.nextGeneration(),
    target: null,
    lastError: error,
    updatedAt: new Date(),
  };
  await tx.saveInstallation(settled);
  await tx.tellRunner(settled);
  if (wasEnabled) await publishLifecycle(tx, settled);
  const { tenant, pluginId, version } = settled;
  const message = `Plugin ${pluginId} ${version} was disabled: ${error.message}`;
  await tx.alert(tenant, { pluginId, version, message, severity: 'critical', ...alertParts(error, failure) }, alertId);
  return settled;
}

/**
 * It failed, and failing so often is allowed: a new generation has its runner start it again (contract §4), later the more often it has
 * failed. The admin is alerted of the first failure; those that follow it are listed with the plugin.
 */
export async function settleStartedAgain(
  tx: Transaction,
  record: InstalledRecord,
  { error, failure, alertId, failures, count }: StartedAgain,
): Promise<void> {
  const { tenant, pluginId, version, generation } = record;
  const failed = { ...record, lastError: error, updatedAt: new Date() };
  const pauseMs = pauseBeforeStart(failures);
  if (record.desired !== 'enabled') await tx.saveInstallation(failed);
  else if (pauseMs === 0) await startAgain(tx, failed);
  else {
    await tx.saveInstallation(failed);
    await tx.startLater(tenant, pluginId, generation, pauseMs);
  }
  if (record.desired !== 'enabled' || failures > 1) return;
  const message = `Plugin ${pluginId} ${version} failed (${count}) and was started again: ${error.message}`;
  await tx.alert(tenant, { pluginId, version, message, severity: 'warning', ...alertParts(error, failure) }, alertId);
}

interface StartedAgain {
  error: PluginError;
  failure: PluginFailure;
  alertId: string;
  /** Within the budget's time. */
  failures: number;
  /** The same, for people to read. */
  count: string;
}

/** Under a new generation its runner starts it, whatever became of it before. */
export async function startAgain(tx: Transaction, record: InstalledRecord): Promise<void> {
  const started = { ...record, generation: await tx.nextGeneration() };
  await tx.saveInstallation(started);
  await tx.tellRunner(started);
}

function alertParts(error: PluginError, failure: PluginFailure | undefined) {
  return { ...fixOf(error), ...(failure === undefined ? {} : { failure }) };
}

async function publishLifecycle(tx: Transaction, { tenant, pluginId, version, state, generation }: InstalledRecord) {
  const timestamp = new Date().toISOString();
  await tx.publish(PluginDisabled, tenant, { pluginId, version, state, generation, timestamp });
}

export async function lock(tx: Transaction, tenant: string, pluginId: string): Promise<InstalledRecord> {
  const record = await tx.lockInstallation(tenant, pluginId);
  if (record === null) throw new PluginNotInstalledError(pluginId);
  return record;
}

/** What is kept of an error for the admin. */
export function pluginError(
  error: ErrorAnswer & { stack?: string },
  about: {
    version: string;
    during?: string;
    at?: string;
    reason?: PluginFailure['reason'];
    aftermath?: Aftermath;
  },
): PluginError {
  const { during, reason, aftermath } = about;
  const fix = suggestedFix({
    code: error.code,
    message: error.message,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(during === undefined ? {} : { during }),
    ...(reason === undefined ? {} : { reason }),
    ...(aftermath === undefined ? {} : { aftermath }),
  });
  return {
    code: error.code,
    message: error.message,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(during === undefined ? {} : { during }),
    version: about.version,
    at: about.at ?? new Date().toISOString(),
    ...(fix === undefined ? {} : { suggestedFix: fix }),
  };
}

export function factOf(record: InstalledRecord, state: PluginState = record.state) {
  return { pluginId: record.pluginId, version: record.version, state, generation: record.generation };
}
