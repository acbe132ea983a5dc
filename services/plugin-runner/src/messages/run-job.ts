import { randomUUID } from 'node:crypto';
import type { Broker, WorkDelivery } from '@verifywise/broker';
import type { JobOutcome, JobRun } from '@verifywise/contracts';
import { JobFinished } from '@verifywise/contracts';
import type { HostedPlugin } from '../hosting/hosted-plugin.ts';
import type { Hosting } from '../hosting/hosting.ts';
import { PluginCodeError } from '../hosting/isolate-crash.ts';
import { enabledOrNot, notEnabled } from './enabled-or-not.ts';
import { WorkInHand } from './work-in-hand.ts';

/** `runner.run-job`: one due fire of a schedule. The outcome is confirmed by the broker before the work is acknowledged. */
export function runJob(hosting: Hosting, broker: Pick<Broker, 'publish'>) {
  const inHand = new WorkInHand<{ factId: string; outcome: JobOutcome }>();
  return async (job: JobRun, delivery: WorkDelivery): Promise<void> => {
    const { id, correlationId } = delivery.envelope;
    const tenant = delivery.envelope.tenant as string;
    const { factId, outcome } = await inHand.once(id, async () => {
      const began = performance.now();
      const result = await outcomeOf(hosting, tenant, job);
      const { pluginId, schedule, fireId, attempt } = job;
      const finished = { pluginId, schedule, fireId, attempt, ...result, tookMs: performance.now() - began };
      return { factId: randomUUID(), outcome: finished };
    });
    await broker.publish(JobFinished, { id: factId, tenant, payload: outcome, correlationId });
    delivery.reply(outcome);
    inHand.end(id, delivery.ack());
  };
}

async function outcomeOf(
  hosting: Hosting,
  tenant: string,
  { pluginId, schedule, fireId, attempt, data, limitMs }: JobRun,
): Promise<Pick<JobOutcome, 'outcome' | 'error'>> {
  let ran: HostedPlugin | undefined;
  const result = await enabledOrNot(hosting, tenant, pluginId, (plugin) => {
    ran = plugin;
    return plugin.calls.job({ schedule, data, jobId: fireId, attempt }, limitMs);
  });
  if (result.kind === 'not-enabled') return notEnabled(result);
  if (result.kind === 'done') {
    if (result.result === 'no-handler')
      ran?.log('warn', `The job ${schedule} is due, and no handler is registered for it: call schedule() in onEnable`, {
        fireId,
      });
    return { outcome: result.result };
  }
  const { message } = result.error;
  const stack = result.error instanceof PluginCodeError ? result.error.pluginStack : undefined;
  ran?.log('error', `The job ${schedule} failed: ${message}`, { fireId, attempt, stack });
  return { outcome: 'failed', error: stack === undefined ? { message } : { message, stack } };
}
