import { setTimeout as pause } from 'node:timers/promises';
import type { WebhookOutcome } from '@verifywise/contracts';
import { NoSuchWebhookError, type FinalReply } from './arrival.ts';
import { ANSWER_DEADLINE_MS } from './deliver.ts';
import type { RequestBook } from './request-book.ts';
import type { WebhookRequest } from './webhook-request.ts';

const LOOK_AGAIN_MS = 100;

/** What the sender is told of an outcome; undefined is that there is none yet. */
export function replyOf(requestId: string, outcome: WebhookOutcome | undefined): FinalReply {
  if (outcome === undefined) return { kind: 'accepted', requestId };
  if (outcome.answer !== undefined) {
    const { status, headers, bodyBase64 } = outcome.answer;
    return { kind: 'answer', answer: { status, headers, body: Buffer.from(bodyBase64, 'base64') } };
  }
  return replyWithout(requestId, outcome.outcome);
}

function replyWithout(requestId: string, outcome: string): FinalReply {
  // The sender still waits, so saying no loses nothing.
  if (outcome === 'not-enabled') throw new NoSuchWebhookError();
  if (outcome === 'timed-out') return { kind: 'failed', requestId, code: 'HANDLER_TIMED_OUT' };
  return { kind: 'failed', requestId, code: 'HANDLER_FAILED' };
}

/** A repetition gets the first one's answer, also when that one is still on its way. */
export async function replyOfFirst(requests: RequestBook, first: WebhookRequest): Promise<FinalReply> {
  const { tenant, requestId } = first;
  const endsAt = performance.now() + ANSWER_DEADLINE_MS;
  let request: WebhookRequest | undefined = first;
  while (request !== undefined && request.state !== 'finished' && performance.now() < endsAt) {
    await pause(LOOK_AGAIN_MS);
    request = await requests.find(tenant, requestId);
  }
  if (request?.state !== 'finished') return { kind: 'accepted', requestId };
  const { answerStatus: status, answerHeaders, answerBody, outcome } = request;
  if (status === null) return replyWithout(requestId, outcome ?? 'failed');
  return { kind: 'answer', answer: { status, headers: answerHeaders ?? {}, body: answerBody ?? Buffer.alloc(0) } };
}
