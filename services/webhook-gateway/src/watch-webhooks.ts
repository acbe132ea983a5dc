import type { WebhookOutcome } from '@verifywise/contracts';
import type { Logger } from '@verifywise/service-kit';
import { Counter, type Registry } from 'prom-client';
import type { Arrival, WebhookReply } from './intake/arrival.ts';
import type { Endpoint } from './intake/endpoint.ts';
import type { WebhookRequest } from './intake/webhook-request.ts';

/** What the stories report, as figures and log lines. */
export function watchWebhooks(registry: Registry, log: Logger) {
  const replies = new Counter({
    name: 'webhook_gateway_replies_total',
    help: 'How senders were answered: answer, accepted, limited, failed, not-allowed or refused',
    labelNames: ['kind'] as const,
    registers: [registry],
  });
  const outcomes = new Counter({
    name: 'webhook_gateway_outcomes_total',
    help: 'How deliveries to plugins ended: answered, failed, timed-out or not-enabled',
    labelNames: ['outcome'] as const,
    registers: [registry],
  });
  const unsigned = new Counter({
    name: 'webhook_gateway_unsigned_total',
    help: 'Requests refused because their signature did not fit',
    registers: [registry],
  });
  return {
    /** Every delivery, whoever waits for it. */
    ended(tenant: string, { pluginId, webhook, requestId, outcome, error }: WebhookOutcome) {
      outcomes.inc({ outcome });
      if (outcome !== 'failed' && outcome !== 'timed-out') return;
      const about = { tenant, pluginId, webhook, requestId, reason: error?.message };
      log.warn(about, 'a plugin could not handle a webhook; it is kept and can be replayed');
    },
    unsigned({ tenant, pluginId, webhook }: Endpoint, reason: string) {
      unsigned.inc();
      log.warn({ tenant, pluginId, webhook, reason }, 'a webhook was refused because of its signature');
    },
    sendFailed(error: unknown, { tenant, pluginId, webhook, requestId }: WebhookRequest) {
      log.warn(
        { err: error, tenant, pluginId, webhook, requestId },
        'a webhook could not be handed over; it is tried again',
      );
    },
    /** The same story, counted. */
    counted(acceptWebhook: (arrival: Arrival) => Promise<WebhookReply>) {
      return async (arrival: Arrival): Promise<WebhookReply> => {
        try {
          const reply = await acceptWebhook(arrival);
          replies.inc({ kind: reply.kind });
          return reply;
        } catch (error) {
          replies.inc({ kind: 'refused' });
          throw error;
        }
      };
    },
  };
}
