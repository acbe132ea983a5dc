import type { WorkDelivery } from '@verifywise/broker';
import type { Installation, RunHookRequest, StepOutcome } from '@verifywise/contracts';
import type { Hosting } from '../hosting/hosting.ts';
import type { InstallationRecords } from '../hosting/reconcile.ts';
import type { FinishedSteps } from './finished-steps.ts';
import { failedStep, runOnce } from './finished-steps.ts';
import { WorkInHand } from './work-in-hand.ts';

/** `runner.run-hook`: one lifecycle hook as a step of an operation. */
export function runHook(hosting: Hosting, installations: InstallationRecords, steps: FinishedSteps) {
  const inHand = new WorkInHand<StepOutcome>();
  return async (request: RunHookRequest, delivery: WorkDelivery): Promise<void> => {
    const { stepId, installation } = request;
    const { tenant, pluginId } = installation;
    const run = async (): Promise<StepOutcome> => {
      try {
        const surface = await hosting.runHook(request);
        return { kind: 'done', stepId, ...(surface ? { surface } : {}) };
      } catch (error) {
        return failedStep(stepId, error);
      }
    };
    // Only what a hook has made true: a runner that takes over in the middle must not find a plugin half enabled.
    const record = async ({ kind }: StepOutcome): Promise<void> => {
      if (kind === 'done') await installations.save(asItStands(hosting, installation));
    };
    await runOnce(steps, inHand, { tenant, pluginId, stepId, run, record }, delivery);
  };
}

/** Between two versions a plugin is neither: whoever takes over starts none of them and lets its events wait. */
function asItStands(hosting: Hosting, installation: Installation): Installation {
  if (!hosting.isUpdating(installation.tenant, installation.pluginId)) return installation;
  return { ...installation, state: 'updating', desired: 'enabled' };
}
