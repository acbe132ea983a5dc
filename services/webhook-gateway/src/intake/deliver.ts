import { DeliverWebhook, PlatformError, type WebhookDelivery, type WebhookOutcome } from '@verifywise/contracts';
import type { RequestBook } from './request-book.ts';
import type { WebhookRequest } from './webhook-request.ts';

/** Senders wait 3 s (Slack) to 10 s (GitHub) for an answer; what takes longer is told to be on its way. */
export const ANSWER_DEADLINE_MS = 2_500;
/** A broker that does not confirm within this is away; the request is in PostgreSQL and goes later. */
const SEND_DEADLINE_MS = 5_000;
/** Longer than sending and waiting may take: a request whose gateway died is sent by another after this. */
export const LEASE_MS = 10_000;
const AFTER_FAILED_SEND_MS = 2_000;
/** The broker has it for good, so silence means that no runner lives; each sending again adds to their queue. */
const SEND_AGAIN_MS = 10 * 60_000;
const MOST_DOUBLINGS = 6;
/** An upgrade takes seconds, and a plugin that stays disabled is asked no more often than this. */
export const AFTER_NOT_ENABLED_MS = 30_000;
const AT_ONCE = 50;

interface DeliveryMessage {
  tenant: string;
  id: string;
  correlationId: string;
  payload: WebhookDelivery;
}

/** The way to the runners: both resolve only after the broker has the work for good. */
export interface RunnerPost {
  send(work: typeof DeliverWebhook, message: DeliveryMessage, patience: { deadlineMs: number }): Promise<void>;
  sendAndWait(
    work: typeof DeliverWebhook,
    message: DeliveryMessage,
    patience: { deadlineMs: number },
  ): Promise<WebhookOutcome>;
}

export interface DeliverParts {
  post: RunnerPost;
  requests: RequestBook;
  watch: { sendFailed(error: unknown, request: WebhookRequest): void };
}

/** Whether the plugin declares the webhook of this request at this moment. */
export type StillDeclared = (request: WebhookRequest) => Promise<boolean>;

/** Hands an accepted request to the plugin and waits a moment for its answer; undefined when it takes longer. */
export function createDeliver({ post, requests, watch }: DeliverParts, stillDeclared: StillDeclared) {
  return async function deliver(request: WebhookRequest): Promise<WebhookOutcome | undefined> {
    let outcome: WebhookOutcome;
    try {
      outcome = await post.sendAndWait(DeliverWebhook, messageOf(request), { deadlineMs: ANSWER_DEADLINE_MS });
    } catch (error) {
      if (error instanceof PlatformError && error.code === 'TIMED_OUT') {
        await requests.markSent(request, sendAgainMs(request));
      } else {
        watch.sendFailed(error, request);
        await requests.giveBack(request, AFTER_FAILED_SEND_MS);
      }
      return undefined;
    }
    // Between two versions a plugin is away and what it declares still stands: the request waits, it is not refused.
    if (outcome.outcome === 'not-enabled' && (await stillDeclared(request))) {
      await requests.wait(request.tenant, outcome, AFTER_NOT_ENABLED_MS);
      return undefined;
    }
    // It was not accepted after all, and its sender is told so.
    if (outcome.outcome === 'not-enabled') await requests.discard(request);
    else await requests.conclude(request.tenant, outcome);
    return outcome;
  };
}

/** Sends what was accepted and not sent: its gateway died, the broker was away, or nothing was heard of it. */
export function createSendWaiting({ post, requests, watch }: DeliverParts) {
  const sendOne = async (request: WebhookRequest): Promise<boolean> => {
    try {
      await post.send(DeliverWebhook, messageOf(request), { deadlineMs: SEND_DEADLINE_MS });
    } catch (error) {
      watch.sendFailed(error, request);
      await requests.giveBack(request, AFTER_FAILED_SEND_MS);
      return false;
    }
    await requests.markSent(request, sendAgainMs(request));
    return true;
  };
  return async function sendWaiting(): Promise<void> {
    for (;;) {
      const claimed = await requests.claim(AT_ONCE, LEASE_MS);
      const sent = await Promise.all(claimed.map(sendOne));
      if (claimed.length < AT_ONCE || sent.includes(false)) return;
    }
  };
}

function sendAgainMs({ unanswered }: WebhookRequest): number {
  return SEND_AGAIN_MS * 2 ** Math.min(unanswered, MOST_DOUBLINGS);
}

/** The same request id every time, so that a repetition can be told from a second request. */
function messageOf(request: WebhookRequest): DeliveryMessage {
  const { tenant, requestId, pluginId, webhook, method, url, headers } = request;
  return {
    tenant,
    id: requestId,
    correlationId: requestId,
    payload: {
      ...{ pluginId, webhook, requestId, method, url, headers },
      bodyBase64: request.body?.toString('base64') ?? '',
      ...(request.body === null ? { bodyElsewhere: { bytes: request.bodyBytes } } : {}),
      receivedAt: request.receivedAt.toISOString(),
    },
  };
}
