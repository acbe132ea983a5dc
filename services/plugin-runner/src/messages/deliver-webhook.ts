import type { Broker, WorkDelivery } from '@verifywise/broker';
import type { WebhookDelivery, WebhookOutcome } from '@verifywise/contracts';
import { PlatformError, WebhookFinished } from '@verifywise/contracts';
import type { Hosting } from '../hosting/hosting.ts';

/** Hands one webhook request to an isolate's HTTP and reads the whole answer. */
export type CallWebhook = (
  socketPath: string,
  tenant: string,
  webhook: WebhookDelivery,
  limitMs: number,
) => Promise<NonNullable<WebhookOutcome['answer']>>;

/** `runner.deliver-webhook`: an accepted webhook on its way to the plugin. */
export function deliverWebhook(hosting: Hosting, broker: Pick<Broker, 'publish'>, call: CallWebhook, limitMs: number) {
  return async (webhook: WebhookDelivery, delivery: WorkDelivery): Promise<void> => {
    const tenant = delivery.envelope.tenant as string;
    const began = performance.now();
    const result = await outcomeOf(hosting, tenant, webhook, call, limitMs);
    const outcome: WebhookOutcome = {
      pluginId: webhook.pluginId,
      webhook: webhook.webhook,
      requestId: webhook.requestId,
      ...result,
      tookMs: performance.now() - began,
    };
    // The waiting sender first, the record for everybody else after it.
    delivery.reply(outcome);
    await broker.publish(WebhookFinished, { tenant, payload: outcome, correlationId: delivery.envelope.correlationId });
    delivery.ack();
  };
}

async function outcomeOf(
  hosting: Hosting,
  tenant: string,
  webhook: WebhookDelivery,
  call: CallWebhook,
  limitMs: number,
): Promise<Pick<WebhookOutcome, 'outcome' | 'answer' | 'error'>> {
  try {
    const plugin = await hosting.enabledPlugin(tenant, webhook.pluginId);
    const answer = await call(plugin.socketPath(), tenant, webhook, limitMs);
    if (answer.status >= 500)
      return { outcome: 'failed', answer, error: { message: `The handler answered ${answer.status}` } };
    return { outcome: 'answered', answer };
  } catch (error) {
    const code = error instanceof PlatformError ? error.code : undefined;
    if (code === 'PLUGIN_NOT_ENABLED' || code === 'PLUGIN_NOT_INSTALLED') return { outcome: 'not-enabled' };
    const { message } = error as Error;
    return { outcome: code === 'HANDLER_TIMED_OUT' ? 'timed-out' : 'failed', error: { message } };
  }
}
