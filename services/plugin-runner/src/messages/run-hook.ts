import type { WorkDelivery } from '@verifywise/broker';
import type { RunHookRequest } from '@verifywise/contracts';
import type { Hosting } from '../hosting/hosting.ts';
import type { InstallationRecords } from '../hosting/reconcile.ts';
import type { FinishedSteps, RunningSteps } from './finished-steps.ts';
import { failedStep, runOnce } from './finished-steps.ts';

/** `runner.run-hook`: one lifecycle hook as a step of an operation. */
export function runHook(hosting: Hosting, installations: InstallationRecords, steps: FinishedSteps) {
  const running: RunningSteps = new Map();
  return async (request: RunHookRequest, delivery: WorkDelivery): Promise<void> => {
    const { stepId, installation } = request;
    const { tenant, pluginId } = installation;
    await runOnce(steps, running, { tenant, pluginId, stepId }, delivery, async () => {
      try {
        await installations.save(installation);
        const surface = await hosting.runHook(request);
        return { kind: 'done', stepId, ...(surface ? { surface } : {}) };
      } catch (error) {
        return failedStep(stepId, error);
      }
    });
  };
}
