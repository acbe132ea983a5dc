import { EntitySchema } from 'typeorm';
import type { WebhookRequest } from '../intake/webhook-request.ts';

export const RequestTable = new EntitySchema<WebhookRequest>({
  name: 'WebhookRequest',
  tableName: 'requests',
  columns: {
    requestId: { name: 'request_id', type: 'uuid', primary: true },
    tenant: { type: 'text' },
    pluginId: { name: 'plugin_id', type: 'text' },
    webhook: { type: 'text' },
    deliveryId: { name: 'delivery_id', type: 'text', nullable: true },
    replayOf: { name: 'replay_of', type: 'uuid', nullable: true },
    method: { type: 'text' },
    url: { type: 'text' },
    headers: { type: 'json' },
    body: { type: 'bytea', nullable: true },
    bodyBytes: { name: 'body_bytes', type: 'integer' },
    receivedAt: { name: 'received_at', type: 'timestamptz' },
    state: { type: 'text' },
    sendAt: { name: 'send_at', type: 'timestamptz' },
    unanswered: { type: 'integer' },
    outcome: { type: 'text', nullable: true },
    answerStatus: { name: 'answer_status', type: 'integer', nullable: true },
    answerHeaders: { name: 'answer_headers', type: 'json', nullable: true },
    answerBody: { name: 'answer_body', type: 'bytea', nullable: true },
    error: { type: 'text', nullable: true },
    tookMs: { name: 'took_ms', type: 'integer', nullable: true },
    finishedAt: { name: 'finished_at', type: 'timestamptz', nullable: true },
  },
});
