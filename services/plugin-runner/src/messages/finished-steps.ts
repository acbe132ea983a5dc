import type { WorkDelivery } from '@verifywise/broker';
import type { StepOutcome } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import { isDatabaseAway } from '@verifywise/service-kit';
import type { WorkInHand } from './work-in-hand.ts';

export interface FinishedSteps {
  find(stepId: string): Promise<StepOutcome | null>;
  /** Keeps the first outcome of a step. */
  save(tenant: string, pluginId: string, outcome: StepOutcome): Promise<void>;
}

export interface Step {
  tenant: string;
  pluginId: string;
  stepId: string;
  run: () => Promise<StepOutcome>;
  /** Records what follows from the outcome; may be repeated. */
  record?: (outcome: StepOutcome) => Promise<void>;
}

/**
 * Runs a step of an operation once: a step that is repeated because its answer was lost is answered from the store.
 * The outcome is stored before it is told and before the message is acknowledged.
 */
export async function runOnce(
  steps: FinishedSteps,
  inHand: WorkInHand<StepOutcome>,
  { tenant, pluginId, stepId, run, record }: Step,
  delivery: WorkDelivery,
): Promise<void> {
  const outcome = await inHand.once(stepId, async () => (await steps.find(stepId)) ?? (await run()));
  await record?.(outcome);
  await steps.save(tenant, pluginId, outcome);
  delivery.reply(outcome);
  inHand.end(stepId, delivery.ack());
}

/** A step that failed, with what the plugin's author needs to see. A step for another runner, or for when the database is back, has not failed. */
export function failedStep(stepId: string, error: unknown): StepOutcome {
  const code = error instanceof PlatformError ? error.code : 'INTERNAL';
  if (code === 'NOT_THE_OWNER' || isDatabaseAway(error)) throw error;
  const message = error instanceof Error ? error.message : String(error);
  const stack = (error as { pluginStack?: string } | null)?.pluginStack;
  return { kind: 'failed', stepId, error: { code, message, ...(stack === undefined ? {} : { stack }) } };
}
