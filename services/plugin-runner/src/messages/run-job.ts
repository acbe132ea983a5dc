import type { Broker, WorkDelivery } from '@verifywise/broker';
import type { JobOutcome, JobRun } from '@verifywise/contracts';
import { JobFinished, PlatformError } from '@verifywise/contracts';
import type { Hosting } from '../hosting/hosting.ts';
import { PluginCodeError } from '../hosting/isolate-process.ts';

/** `runner.run-job`: one due fire of a schedule. The outcome is confirmed by the broker before the work is acknowledged. */
export function runJob(hosting: Hosting, broker: Pick<Broker, 'publish'>) {
  return async (job: JobRun, delivery: WorkDelivery): Promise<void> => {
    const tenant = delivery.envelope.tenant as string;
    const began = performance.now();
    const result = await outcomeOf(hosting, tenant, job);
    const { pluginId, schedule, fireId, attempt } = job;
    const outcome: JobOutcome = { pluginId, schedule, fireId, attempt, ...result, tookMs: performance.now() - began };
    await broker.publish(JobFinished, { tenant, payload: outcome, correlationId: delivery.envelope.correlationId });
    delivery.reply(outcome);
    delivery.ack();
  };
}

async function outcomeOf(
  hosting: Hosting,
  tenant: string,
  job: JobRun,
): Promise<Pick<JobOutcome, 'outcome' | 'error'>> {
  const { pluginId, schedule, fireId, attempt, data, limitMs } = job;
  try {
    const plugin = await hosting.enabledPlugin(tenant, pluginId);
    return { outcome: await plugin.runJob({ schedule, data, jobId: fireId, attempt }, limitMs) };
  } catch (error) {
    if (
      error instanceof PlatformError &&
      (error.code === 'PLUGIN_NOT_ENABLED' || error.code === 'PLUGIN_NOT_INSTALLED')
    ) {
      return { outcome: 'not-enabled' };
    }
    const stack = error instanceof PluginCodeError ? error.pluginStack : undefined;
    const { message } = error as Error;
    return { outcome: 'failed', error: stack === undefined ? { message } : { message, stack } };
  }
}
