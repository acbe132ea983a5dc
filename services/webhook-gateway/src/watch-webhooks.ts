import type { Logger } from '@verifywise/service-kit';
import { Counter, type Registry } from 'prom-client';
import type { Arrival, WebhookReply } from './intake/accept-webhook.ts';
import type { WebhookRequest } from './intake/webhook-request.ts';

/** What the stories report, as figures and log lines. */
export function watchWebhooks(registry: Registry, log: Logger) {
  const replies = new Counter({
    name: 'webhook_gateway_replies_total',
    help: 'How senders were answered: answer, accepted, limited, failed or refused',
    labelNames: ['kind'] as const,
    registers: [registry],
  });
  return {
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
