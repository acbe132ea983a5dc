import type { WebhookRequest } from './webhook-request.ts';

type Headers = WebhookRequest['headers'];

/** What a sender calls one delivery, the same when it sends again; the first that is there counts. */
const DELIVERY_IDS = [
  ...['x-github-delivery', 'webhook-id', 'svix-id', 'idempotency-key', 'x-atlassian-webhook-identifier'],
  ...['x-shopify-webhook-id', 'x-gitlab-event-uuid'],
];
/** Senders that name their deliveries in the body only, known by the header they sign with. */
const IN_BODY = [
  { signedBy: 'stripe-signature', field: 'id', name: /^evt_\w+$/ },
  { signedBy: 'x-slack-signature', field: 'event_id', name: /^Ev\w+$/ },
];
const LONGEST_DELIVERY_ID = 255;

/** `x-github-delivery:72d3162e-…`, or null when the sender names its deliveries in no way we know. */
export function deliveryIdIn(headers: Headers, body: Buffer | null): string | null {
  for (const name of DELIVERY_IDS) {
    const value = headers[name];
    if (typeof value === 'string' && value !== '' && value.length <= LONGEST_DELIVERY_ID) return `${name}:${value}`;
  }
  const sender = IN_BODY.find(({ signedBy }) => headers[signedBy] !== undefined);
  if (sender === undefined) return null;
  const value = jsonIn(body)?.[sender.field];
  const isName = typeof value === 'string' && value.length <= LONGEST_DELIVERY_ID && sender.name.test(value);
  return isName ? `${sender.signedBy}:${value}` : null;
}

/** The body as a JSON object; undefined when it is none. */
export function jsonIn(body: Buffer | null): Record<string, unknown> | undefined {
  if (body === null || body.length === 0) return undefined;
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
