import { errorAnswer, type LifecycleHook } from '@verifywise/contracts';
import { storedValues } from '../config/sealed-config.ts';
import type { Operation, Step, StepDone, StepRun } from '../operations/operation.ts';
import { hookErrorKept, hookStep, runHook, type Aim, type Allowed } from './hook-step.ts';
import { introduced, type Reason } from './package-steps.ts';
import type { SagaNeeds } from './saga-needs.ts';
import type { InstalledRecord } from './installed-plugin.ts';
import { lock, pluginError, settle, settleInError } from './settle.ts';
import { assertNothingMissing, settingsStep } from './version-settings.ts';

/**
 * The hooks that lead from one version to another (S:5.3, S:5.5). Undone, they lead back: the new version is unloaded, the old one
 * loaded, and enabled if it was.
 */
export function changeVersionSteps(needs: SagaNeeds, change: { migrate: boolean }): Step[] {
  const wasEnabled = ({ progress }: Operation) => progress.wasEnabled === true;
  const reason = ({ progress }: Operation) => ({
    reason: 'update' as const,
    ...(progress.fromVersion === undefined ? {} : { fromVersion: progress.fromVersion }),
  });
  // Until then an admin may clear what only the new version requires.
  const allowed: Allowed = async (tx, operation, { manifest }) => {
    if (!wasEnabled(operation)) return;
    const { tenant, pluginId } = operation;
    assertNothingMissing(pluginId, manifest, storedValues(await tx.findConfig(tenant, pluginId)));
  };
  const next = (operation: Operation): Aim => ({ ...nextVersion(operation), ...changing(operation) });
  return [
    {
      ...hookStep(needs, { name: 'onDisable', hook: 'onDisable', aim: changing, applies: wasEnabled }),
      undo: (run) => restore(needs, run, 'onEnable', () => oldEnabled),
    },
    {
      ...hookStep(needs, { name: 'onUnload', hook: 'onUnload', aim: changing }),
      undo: (run) => restore(needs, run, 'onLoad', changing),
    },
    settingsStep(needs),
    {
      name: 'introduce',
      run: () => Promise.resolve({}),
      undo: (run) => unloadNew(needs, run, next),
    },
    ...(change.migrate
      ? [hookStep(needs, { name: 'onInstall', hook: 'onInstall', aim: next, options: reason, allowed })]
      : []),
    hookStep(needs, { name: 'onLoad', hook: 'onLoad', aim: next, options: reason, allowed }),
    hookStep(needs, {
      name: 'onEnable',
      hook: 'onEnable',
      aim: (operation) => ({ ...next(operation), state: 'enabled', desired: 'enabled' }),
      options: reason,
      applies: wasEnabled,
    }),
  ];
}

/** While the version changes the runner keeps the events of an enabled plugin: they are for the version that comes out of it. */
function changing({ progress }: Operation): Aim {
  return { state: 'updating', desired: progress.wasEnabled === true ? 'enabled' : 'disabled' };
}

const oldEnabled: Aim = { state: 'enabled', desired: 'enabled' };

export function nextVersion(operation: Operation) {
  const { version, package: bytes, manifest } = introduced(operation);
  return { version, package: bytes, manifest, granted: operation.progress.granted ?? manifest.permissions };
}

async function restore(
  needs: SagaNeeds,
  run: StepRun,
  hook: LifecycleHook,
  aim: (operation: Operation) => Aim,
): Promise<StepDone> {
  // Enabling what could not be loaded would only repeat the error.
  if (run.operation.progress.restoreError !== undefined) return {};
  try {
    await runHook(needs, run, hook, aim, {});
    return {};
  } catch (error) {
    if (run.signal.aborted) throw error;
    return { progress: { restoreError: errorAnswer(error) } };
  }
}

/** The new version may be what is broken, so its last words do not count. */
async function unloadNew(needs: SagaNeeds, run: StepRun, aim: (operation: Operation) => Aim): Promise<StepDone> {
  try {
    await runHook(needs, run, 'onUnload', aim, {});
    return {};
  } catch (error) {
    if (run.signal.aborted) throw error;
    return hookErrorKept(run.operation, 'onUnload', error);
  }
}

/**
 * The version is changing; undone, the tenant has what it had, or at worst the old version in error. From here on nobody changes what it
 * is granted, so what the new version is granted is settled here.
 */
export function beginChange(
  grantedThen: (record: InstalledRecord, operation: Operation) => InstalledRecord['granted'],
): Step {
  return {
    name: 'begin',
    run: ({ operation }) =>
      Promise.resolve({
        async commit(tx) {
          const record = await lock(tx, operation.tenant, operation.pluginId);
          await tx.saveInstallation({ ...record, state: 'updating', updatedAt: new Date() });
          return { stateBefore: record.state, granted: grantedThen(record, operation) };
        },
      }),
    undo({ operation }, reason) {
      let told = reason;
      return Promise.resolve({
        async commit(tx) {
          told = await backToBefore(tx, operation, reason);
          return undefined;
        },
        error: () => told,
      });
    },
  };
}

/** Answers what the admin is told: what failed, and what there is now. */
async function backToBefore(tx: Parameters<typeof lock>[0], operation: Operation, reason: Reason): Promise<Reason> {
  const { tenant, pluginId, progress, id, kind } = operation;
  if (progress.stateBefore === undefined) return reason;
  const record = await lock(tx, tenant, pluginId);
  const { version, target } = record;
  const to = progress.manifest === undefined ? '' : ` to ${progress.manifest.version}`;
  const failed = `The ${kind} of ${pluginId}${to} failed: ${asSentence(reason.message)}`;
  const failure = target?.failure;
  const restoreError = failure === undefined ? progress.restoreError : { code: 'PLUGIN_CRASHED' as const, ...failure };
  if (restoreError !== undefined) {
    const { code, message } = restoreError;
    await settleInError(tx, record, pluginError({ code, message }, { version, during: kind }), id);
    return told(reason, null, `${failed} ${version} is there again but could not be started: ${message}`);
  }
  const lastError = pluginError(reason, { version: progress.manifest?.version ?? version, during: kind });
  await settle(tx, tenant, pluginId, {
    state: progress.stateBefore,
    lastError,
    ...(target === null ? {} : { runningSince: target.since }),
  });
  const enabled = progress.wasEnabled === true;
  const message = `${failed} The version before, ${version}, was restored${enabled ? ' and is enabled again' : ''}`;
  const { suggestedFix } = lastError;
  const fix = suggestedFix === undefined ? {} : { suggestedFix };
  await tx.alert(tenant, { pluginId, version, message, severity: 'warning', ...fix }, id);
  return told(reason, { version, enabled }, message);
}

function told(reason: Reason, restored: { version: string; enabled: boolean } | null, message: string): Reason {
  const details = typeof reason.details === 'object' ? reason.details : {};
  return { ...reason, message, details: { ...details, restored } };
}

function asSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
