import type { WorkDelivery } from '@verifywise/broker';
import type { StepOutcome } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';

export interface FinishedSteps {
  find(stepId: string): Promise<StepOutcome | null>;
  save(tenant: string, pluginId: string, outcome: StepOutcome): Promise<void>;
}

/** Steps that run in this process now, by their id. */
export type RunningSteps = Map<string, Promise<StepOutcome>>;

export interface Step {
  tenant: string;
  pluginId: string;
  stepId: string;
}

/**
 * Runs a step of an operation once: a step that is repeated because its answer was lost is answered from the store.
 * The outcome is stored before it is told and before the message is acknowledged.
 */
export async function runOnce(
  steps: FinishedSteps,
  running: RunningSteps,
  { tenant, pluginId, stepId }: Step,
  delivery: WorkDelivery,
  run: () => Promise<StepOutcome>,
): Promise<void> {
  // A step redelivered after a lost connection may still be running here: it is joined, not begun again.
  const outcome = await joined(running, stepId, async () => {
    const finished = await steps.find(stepId);
    if (finished) return finished;
    const ran = await run();
    await steps.save(tenant, pluginId, ran);
    return ran;
  });
  delivery.reply(outcome);
  delivery.ack();
}

async function joined(running: RunningSteps, stepId: string, run: () => Promise<StepOutcome>): Promise<StepOutcome> {
  const step = running.get(stepId) ?? run();
  running.set(stepId, step);
  try {
    return await step;
  } finally {
    running.delete(stepId);
  }
}

/** A step that failed, with what the plugin's author needs to see. */
export function failedStep(stepId: string, error: unknown): StepOutcome {
  const code = error instanceof PlatformError ? error.code : 'INTERNAL';
  const message = error instanceof Error ? error.message : String(error);
  const stack = (error as { pluginStack?: string } | null)?.pluginStack;
  return { kind: 'failed', stepId, error: { code, message, ...(stack === undefined ? {} : { stack }) } };
}
