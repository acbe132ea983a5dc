import type { ErrorCode, PluginFailure } from '@verifywise/contracts';
import type { ErrorBudget } from './error-budget.ts';
import type { InstalledRecord } from './installed-plugin.ts';
import { pluginError, settleInError, settleStartedAgain } from './settle.ts';
import type { Transact } from './transaction.ts';

export type ReportFailure = (tenant: string, failure: PluginFailure, about: FailureReport) => Promise<void>;

export interface FailureReport {
  /** The same on every delivery of one report. */
  id: string;
  at: string;
}

/** Nobody decided it. */
const PLATFORM = { service: 'installer' };

/**
 * An enabled plugin failed: the error is kept, the admin alerted, others are unaffected (S:14.1). It is disabled when its error budget
 * is used up, and started again before that.
 */
export function createReportFailure(transact: Transact, budget: ErrorBudget): ReportFailure {
  return (tenant, failure, { id, at }) =>
    transact(async (tx) => {
      const record = await tx.lockInstallation(tenant, failure.pluginId);
      if (record === null) return;
      if (record.target !== null) {
        // The operation under way decides what comes of it, once its hook has answered.
        if (failure.generation < record.target.since) return;
        await tx.saveInstallation({ ...record, target: { ...record.target, failure } });
        return;
      }
      if (isOldNews(record, failure)) return;
      const { reason, message, stack, during, version } = failure;
      const error = pluginError(
        { code: codeOf[reason], message, ...(stack === undefined ? {} : { stack }) },
        { version, at, reason, ...(during === undefined ? {} : { during }) },
      );
      const { generation } = failure;
      if (!(await tx.recordFailure(tenant, failure.pluginId, { reportId: id, generation, error }))) return;
      const since = new Date(Date.parse(at) - budget.seconds * 1_000);
      const failures = await tx.countFailures(tenant, failure.pluginId, since, record.runningSince);
      if (failures >= budget.failures) {
        await settleInError(tx, record, error, id, failure);
        const after = { state: 'error', error: { code: error.code, message: error.message } };
        const change = { before: { state: record.state }, after };
        await tx.audit(tenant, { pluginId: failure.pluginId, action: 'disable', actor: PLATFORM, ...change });
      } else {
        const count = `${failures} of ${budget.failures} within ${budget.seconds} s`;
        await settleStartedAgain(tx, record, { error, failure, alertId: id, failures, count });
      }
    });
}

/** A generation before the last enabling is another life of the plugin; after it was disabled the report has come already. */
function isOldNews(record: InstalledRecord, failure: PluginFailure): boolean {
  if (failure.generation < record.runningSince) return true;
  return record.state === 'error' || record.state === 'uninstalling';
}

const codeOf: Record<PluginFailure['reason'], ErrorCode> = {
  exit: 'PLUGIN_CRASHED',
  signal: 'PLUGIN_CRASHED',
  memory: 'PLUGIN_CRASHED',
  hang: 'HANDLER_TIMED_OUT',
  'hook-timeout': 'HOOK_TIMED_OUT',
  unhandled: 'HANDLER_FAILED',
  hook: 'HOOK_FAILED',
  load: 'PLUGIN_LOAD_FAILED',
};
