import type { WorkDelivery } from '@verifywise/broker';
import type { DeletePluginDataRequest } from '@verifywise/contracts';
import type { FinishedSteps, RunningSteps } from './finished-steps.ts';
import { failedStep, runOnce } from './finished-steps.ts';

export interface PluginData {
  deleteAll(tenant: string, pluginId: string): Promise<void>;
}

/** `runner.delete-plugin-data`: nothing of the plugin's data remains for this tenant. */
export function deletePluginData(data: PluginData, steps: FinishedSteps) {
  const running: RunningSteps = new Map();
  return async ({ pluginId, stepId }: DeletePluginDataRequest, delivery: WorkDelivery): Promise<void> => {
    const tenant = delivery.envelope.tenant as string;
    await runOnce(steps, running, { tenant, pluginId, stepId }, delivery, async () => {
      try {
        await data.deleteAll(tenant, pluginId);
        return { kind: 'done', stepId };
      } catch (error) {
        return failedStep(stepId, error);
      }
    });
  };
}
