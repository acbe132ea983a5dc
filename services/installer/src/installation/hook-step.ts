import { errorAnswer, type LifecycleHook } from '@verifywise/contracts';
import type { Operation, Step, StepDone, StepRun } from '../operations/operation.ts';
import { PluginNotInstalledError } from './errors.ts';
import type { HookCall } from './hands.ts';
import { targetInstallationOf, type InstalledRecord, type Target } from './installed-plugin.ts';
import type { SagaNeeds } from './saga-needs.ts';
import type { Transaction } from './transaction.ts';

/** What a hook is to find: the parts of the installation that differ from what it is now. */
export type Aim = Partial<Omit<Target, 'generation' | 'since' | 'failure'>> & Pick<Target, 'state' | 'desired'>;

interface HookStep {
  name: string;
  hook: LifecycleHook;
  aim: (operation: Operation, record: InstalledRecord) => Aim;
  options?: (operation: Operation) => HookCall['options'];
  applies?: (operation: Operation) => boolean;
  /** Throws when the hook must not run; nothing can change between its word and the target. */
  allowed?: Allowed;
  /** Goes on when the hook fails, and keeps the error with the operation. */
  tolerant?: (operation: Operation) => boolean;
  undo?: Step['undo'];
}

export type Allowed = (tx: Transaction, operation: Operation, target: Target) => Promise<void>;

/** A step that has the runner run one lifecycle hook. */
export function hookStep(
  needs: SagaNeeds,
  { name, hook, aim, options, applies, allowed, tolerant, undo }: HookStep,
): Step {
  return {
    name,
    ...(applies === undefined ? {} : { applies }),
    ...(undo === undefined ? {} : { undo }),
    async run(run) {
      try {
        await runHook(needs, run, hook, aim, options?.(run.operation) ?? {}, allowed);
        return {};
      } catch (error) {
        if (run.signal.aborted || tolerant?.(run.operation) !== true) throw error;
        return hookErrorKept(run.operation, name, error);
      }
    },
  };
}

export function hookErrorKept({ progress }: Operation, step: string, error: unknown): StepDone {
  const kept = { ...errorAnswer(error), step };
  return { progress: { hookErrors: [...(progress.hookErrors ?? []), kept] }, outcome: kept };
}

/**
 * Says what the installation is about to be and has the hook run on that. The row itself stays what it was, so that a crash
 * leaves no runner with a plugin half enabled; the target is what the hook's own config changes are made on.
 */
export async function runHook(
  { transact, installations, runner, limits }: SagaNeeds,
  { operation, stepId, signal }: StepRun,
  hook: LifecycleHook,
  aim: HookStep['aim'],
  options: HookCall['options'],
  allowed?: Allowed,
): Promise<void> {
  const { tenant, pluginId } = operation;
  const record = await transact(async (tx) => {
    const found = await tx.lockInstallation(tenant, pluginId);
    if (found === null) throw new PluginNotInstalledError(pluginId);
    const target = targetOf(found, aim(operation, found), await tx.nextGeneration());
    await allowed?.(tx, operation, target);
    const aimed = { ...found, target };
    await tx.saveInstallation(aimed);
    return aimed;
  });
  const installation = targetInstallationOf(record, await installations.findConfig(tenant, pluginId));
  const limitMs = hook === 'onInstall' ? limits.installMs : limits.hookMs;
  await runner.runHook({ stepId, operationId: operation.id, installation, hook, options, limitMs }, signal);
}

function targetOf(record: InstalledRecord, aim: Aim, generation: number): Target {
  const { version, package: bytes, manifest, granted } = record;
  return { version, package: bytes, manifest, granted, ...aim, generation, since: generation };
}
