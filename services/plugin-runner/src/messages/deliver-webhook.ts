import { randomUUID } from 'node:crypto';
import type { Broker, WorkDelivery } from '@verifywise/broker';
import type { WebhookDelivery, WebhookOutcome } from '@verifywise/contracts';
import { PlatformError, WebhookFinished } from '@verifywise/contracts';
import type { Hosting } from '../hosting/hosting.ts';
import type { IsolateDoor } from '../hosting/isolate-door.ts';
import { enabledOrNot, notEnabled } from './enabled-or-not.ts';
import { WorkInHand } from './work-in-hand.ts';

/** Hands one webhook request to an isolate's HTTP and reads the whole answer. */
export type CallWebhook = (
  door: IsolateDoor,
  tenant: string,
  webhook: WebhookDelivery,
  limitMs: number,
) => Promise<NonNullable<WebhookOutcome['answer']>>;

/** `runner.deliver-webhook`: an accepted webhook on its way to the plugin. */
export function deliverWebhook(hosting: Hosting, broker: Pick<Broker, 'publish'>, call: CallWebhook, limitMs: number) {
  const inHand = new WorkInHand<{ factId: string; outcome: WebhookOutcome }>();
  return async (request: WebhookDelivery, delivery: WorkDelivery): Promise<void> => {
    const { id, correlationId } = delivery.envelope;
    const tenant = delivery.envelope.tenant as string;
    const { factId, outcome } = await inHand.once(id, async () => {
      const began = performance.now();
      const { pluginId, webhook, requestId } = request;
      const result = await outcomeOf(hosting, tenant, request, call, limitMs);
      const finished = { pluginId, webhook, requestId, ...result, tookMs: performance.now() - began };
      return { factId: randomUUID(), outcome: finished };
    });
    // The waiting sender first, the record for everybody else after it.
    delivery.reply(outcome);
    await broker.publish(WebhookFinished, { id: factId, tenant, payload: outcome, correlationId });
    inHand.end(id, delivery.ack());
  };
}

async function outcomeOf(
  hosting: Hosting,
  tenant: string,
  webhook: WebhookDelivery,
  call: CallWebhook,
  limitMs: number,
): Promise<Pick<WebhookOutcome, 'outcome' | 'answer' | 'error'>> {
  const result = await enabledOrNot(hosting, tenant, webhook.pluginId, async (plugin) => {
    const answer = await plugin.calls.request(`webhook ${webhook.webhook}`, (door) =>
      call(door, tenant, webhook, limitMs),
    );
    if (answer.status < 500) return { outcome: 'answered', answer } as const;
    return { outcome: 'failed', answer, error: { message: `The handler answered ${answer.status}` } } as const;
  });
  if (result.kind === 'not-enabled') return notEnabled(result);
  if (result.kind === 'done') return result.result;
  const { error } = result;
  const timedOut = error instanceof PlatformError && error.code === 'HANDLER_TIMED_OUT';
  return { outcome: timedOut ? 'timed-out' : 'failed', error: { message: error.message } };
}
