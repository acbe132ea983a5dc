import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { PlatformError, type SurfaceWebhook, type WebhookOutcome } from '@verifywise/contracts';
import { ANSWER_DEADLINE_MS, LEASE_MS } from './deliver.ts';
import type { Address, Endpoint } from './endpoint.ts';
import type { RequestBook } from './request-book.ts';
import { deliveryIdIn } from './sender-headers.ts';
import type { DeclaredWebhooks } from './surfaces.ts';
import type { PluginAnswer, WebhookRequest } from './webhook-request.ts';

/** A request at the door; its body is read only when somebody wants it. */
export interface Arrival extends Address {
  method: string;
  url: string;
  headers: WebhookRequest['headers'];
  readBody(): Promise<Buffer>;
}

/** What is left of a plugin's requests per minute. */
export interface Quota {
  exceeded: boolean;
  limit: number;
  remaining: number;
  resetSeconds: number;
}

export type WebhookReply = { quota: Quota } & (
  | { kind: 'answer'; answer: PluginAnswer }
  | { kind: 'accepted'; requestId: string }
  | { kind: 'limited' }
  | { kind: 'failed'; requestId: string; code: 'HANDLER_FAILED' | 'HANDLER_TIMED_OUT' }
);

/** The same whatever was wrong: who guesses addresses learns nothing. */
export class NoSuchWebhookError extends PlatformError {
  constructor() {
    super('WEBHOOK_NOT_FOUND', 'There is no such webhook');
  }
}

export interface AcceptWebhookParts {
  findEndpoint: (address: Address) => Promise<Endpoint | undefined>;
  surfaces: { find(tenant: string, pluginId: string): Promise<DeclaredWebhooks> };
  rateLimit: (tenant: string, pluginId: string) => Promise<Quota>;
  requests: RequestBook;
  deliver: (request: WebhookRequest) => Promise<WebhookOutcome | undefined>;
}

/**
 * Takes a webhook in: whose it is, whether it is declared, whether there were too many; then it is stored, and from then
 * on it is never lost. The plugin's answer is passed on when it comes in time.
 */
export function createAcceptWebhook({ findEndpoint, surfaces, rateLimit, requests, deliver }: AcceptWebhookParts) {
  return async function acceptWebhook(arrival: Arrival): Promise<WebhookReply> {
    const endpoint = await findEndpoint(arrival);
    if (endpoint === undefined) throw new NoSuchWebhookError();
    const declared = await surfaces.find(endpoint.tenant, endpoint.pluginId);
    if (!isDeclared(declared, endpoint.webhook, arrival.method)) throw new NoSuchWebhookError();

    const quota = await rateLimit(endpoint.tenant, endpoint.pluginId);
    if (quota.exceeded) return { quota, kind: 'limited' };

    const body = await arrival.readBody();
    const { method, url, headers } = arrival;
    const deliveryId = deliveryIdIn(headers);
    const stored = await requests.accept(
      { requestId: randomUUID(), ...endpoint, deliveryId, method, url, headers, body },
      LEASE_MS,
    );
    if (stored.kind === 'duplicate') return { quota, ...(await replyOfFirst(requests, stored.of)) };
    return { quota, ...replyOf(stored.request.requestId, await deliver(stored.request)) };
  };
}

/** Whether what a plugin declares has this webhook for this method. */
export function isDeclared(declared: DeclaredWebhooks, name: string, method: string): boolean {
  return (declared ?? []).some((webhook: SurfaceWebhook) => webhook.name === name && webhook.methods.includes(method));
}

type Reply =
  Exclude<WebhookReply, { kind: 'limited' }> extends infer R ? (R extends unknown ? Omit<R, 'quota'> : never) : never;

function replyOf(requestId: string, outcome: WebhookOutcome | undefined): Reply {
  if (outcome === undefined) return { kind: 'accepted', requestId };
  if (outcome.answer !== undefined) {
    const { status, headers, bodyBase64 } = outcome.answer;
    return { kind: 'answer', answer: { status, headers, body: Buffer.from(bodyBase64, 'base64') } };
  }
  return replyWithout(requestId, outcome.outcome);
}

function replyWithout(requestId: string, outcome: string): Reply {
  // The sender still waits, so saying no loses nothing.
  if (outcome === 'not-enabled') throw new NoSuchWebhookError();
  if (outcome === 'timed-out') return { kind: 'failed', requestId, code: 'HANDLER_TIMED_OUT' };
  return { kind: 'failed', requestId, code: 'HANDLER_FAILED' };
}

const LOOK_AGAIN_MS = 100;

/** A repetition gets the first one's answer, also when that one is still on its way. */
async function replyOfFirst(requests: RequestBook, first: WebhookRequest): Promise<Reply> {
  const { tenant, pluginId, requestId } = first;
  const endsAt = performance.now() + ANSWER_DEADLINE_MS;
  let request: WebhookRequest | undefined = first;
  while (request !== undefined && request.state !== 'finished' && performance.now() < endsAt) {
    await pause(LOOK_AGAIN_MS);
    request = await requests.find(tenant, pluginId, requestId);
  }
  if (request?.state !== 'finished') return { kind: 'accepted', requestId };
  const { answerStatus: status, answerHeaders, answerBody, outcome } = request;
  if (status === null) return replyWithout(requestId, outcome ?? 'failed');
  return { kind: 'answer', answer: { status, headers: answerHeaders ?? {}, body: answerBody ?? Buffer.alloc(0) } };
}
