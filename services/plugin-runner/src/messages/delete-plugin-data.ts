import type { WorkDelivery } from '@verifywise/broker';
import type { DeletePluginDataRequest, StepOutcome } from '@verifywise/contracts';
import type { FinishedSteps } from './finished-steps.ts';
import { runOnce } from './finished-steps.ts';
import { WorkInHand } from './work-in-hand.ts';

export interface PluginData {
  deleteAll(tenant: string, pluginId: string): Promise<void>;
}

/** `runner.delete-plugin-data`: nothing of the plugin's data remains for this tenant; tried until it has worked. */
export function deletePluginData(data: PluginData, steps: FinishedSteps) {
  const inHand = new WorkInHand<StepOutcome>();
  return async ({ pluginId, stepId }: DeletePluginDataRequest, delivery: WorkDelivery): Promise<void> => {
    const tenant = delivery.envelope.tenant as string;
    const run = async (): Promise<StepOutcome> => {
      await data.deleteAll(tenant, pluginId);
      return { kind: 'done', stepId };
    };
    await runOnce(steps, inHand, { tenant, pluginId, stepId, run }, delivery);
  };
}
