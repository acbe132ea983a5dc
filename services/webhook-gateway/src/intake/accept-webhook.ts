import { randomUUID } from 'node:crypto';
import type { SurfaceVerify, SurfaceWebhook, WebhookOutcome } from '@verifywise/contracts';
import { NoSuchWebhookError, type Arrival, type WebhookReply } from './arrival.ts';
import { LEASE_MS } from './deliver.ts';
import { deliveryIdIn } from './delivery-id.ts';
import type { Address, Endpoint } from './endpoint.ts';
import type { Claimed } from './find-by-account.ts';
import type { LargeBodies } from './large-bodies.ts';
import type { Quota } from './quota.ts';
import { replyOf, replyOfFirst } from './reply-to-sender.ts';
import type { RequestBook } from './request-book.ts';
import type { DeclaredWebhooks } from './surfaces.ts';
import { takeBody } from './take-body.ts';
import { turnOf, type Throttles } from './throttle.ts';
import type { WebhookRequest } from './webhook-request.ts';

/** Sees the body as it comes, and throws in the end when it is not signed. */
interface Verification {
  see(chunk: Buffer): void;
  finish(): void;
}

export interface AcceptWebhookParts {
  findEndpoint: (address: Address) => Promise<Endpoint | undefined>;
  findByAccount: (arrival: Arrival) => Promise<Claimed | undefined>;
  surfaces: { find(tenant: string, pluginId: string): Promise<DeclaredWebhooks> };
  rateLimit: (tenant: string, pluginId: string) => Promise<Quota>;
  throttles: Throttles;
  /** What the request must be signed as; undefined when the plugin verifies by itself. */
  verifyOf: (endpoint: Endpoint, webhook: SurfaceWebhook) => Promise<SurfaceVerify | undefined>;
  verification: (endpoint: Endpoint, verify: SurfaceVerify, headers: Arrival['headers']) => Promise<Verification>;
  bodies: LargeBodies;
  requests: RequestBook;
  deliver: (request: WebhookRequest) => Promise<WebhookOutcome | undefined>;
  /** Where the plugin does not say. */
  bodyLimit: number;
}

/**
 * Takes a webhook in: whose it is, whether it is declared, whether there were too many, who has signed it; then it is stored, and from
 * then on it is never lost. The plugin's answer is passed on when it comes in time.
 */
export function createAcceptWebhook(parts: AcceptWebhookParts) {
  const { surfaces, rateLimit, throttles, bodies, requests, deliver } = parts;
  return async function acceptWebhook(atTheDoor: Arrival): Promise<WebhookReply> {
    const { endpoint, arrival } = await whose(parts, atTheDoor);
    const webhook = declaredAs(await surfaces.find(endpoint.tenant, endpoint.pluginId), endpoint.webhook);
    if (webhook === undefined) throw new NoSuchWebhookError();
    if (!webhook.methods.includes(arrival.method)) return { kind: 'not-allowed', allow: webhook.methods };

    const quota = await rateLimit(endpoint.tenant, endpoint.pluginId);
    const turn = await turnOf(throttles, endpoint, webhook, quota);
    if (turn.kind === 'refused') return { quota, kind: 'limited' };

    const verification = await beginVerification(parts, endpoint, webhook, arrival);
    const requestId = randomUUID();
    const chunks = arrival.body(webhook.bodyLimit ?? parts.bodyLimit);
    const place = { tenant: endpoint.tenant, requestId };
    const taken = await takeBody(chunks, (chunk) => verification?.see(chunk), { place, bodies });
    const forgetBody = async () => {
      if (taken.body === null) await bodies.discard(requestId);
    };
    try {
      verification?.finish();
    } catch (error) {
      await forgetBody();
      throw error;
    }
    const { method, url, headers } = arrival;
    const stored = await requests.accept(
      { requestId, ...endpoint, deliveryId: deliveryIdIn(headers, taken.body), method, url, headers, ...taken },
      turn.kind === 'later' ? turn.inMs : LEASE_MS,
    );
    if (stored.kind === 'duplicate') {
      await forgetBody();
      return { quota, ...(await replyOfFirst(requests, stored.of)) };
    }
    if (turn.kind === 'later') return { quota, kind: 'accepted', requestId };
    return { quota, ...replyOf(requestId, await deliver(stored.request)) };
  };
}

/** Of what a plugin declares, this webhook. */
export function declaredAs(declared: DeclaredWebhooks, name: string): SurfaceWebhook | undefined {
  return declared?.find((webhook) => webhook.name === name);
}

async function whose({ findEndpoint, findByAccount }: AcceptWebhookParts, arrival: Arrival): Promise<Claimed> {
  const endpoint = await findEndpoint(arrival);
  if (endpoint !== undefined) return { endpoint, arrival };
  const claimed = arrival.token === undefined ? await findByAccount(arrival) : undefined;
  if (claimed === undefined) throw new NoSuchWebhookError();
  return claimed;
}

/** Senders sign what they send; with GET and HEAD they only try whether somebody is there, and sign nothing. */
const UNSIGNED_METHODS = ['GET', 'HEAD'];

async function beginVerification(
  { verifyOf, verification }: AcceptWebhookParts,
  endpoint: Endpoint,
  webhook: SurfaceWebhook,
  { method, headers }: Arrival,
): Promise<Verification | undefined> {
  if (UNSIGNED_METHODS.includes(method)) return undefined;
  const verify = await verifyOf(endpoint, webhook);
  return verify && verification(endpoint, verify, headers);
}
