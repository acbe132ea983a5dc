import { PlatformError } from '@verifywise/contracts';
import type { Address } from './endpoint.ts';
import type { Quota } from './quota.ts';
import type { PluginAnswer, WebhookRequest } from './webhook-request.ts';

/** A request at the door; its body is read only when somebody wants it. */
export interface Arrival extends Address {
  method: string;
  url: string;
  headers: WebhookRequest['headers'];
  /** The bytes as they come; TOO_LARGE beyond the limit. Read once. */
  body(limitBytes: number): AsyncIterable<Buffer>;
}

export type FinalReply =
  | { kind: 'answer'; answer: PluginAnswer }
  | { kind: 'accepted'; requestId: string }
  | { kind: 'failed'; requestId: string; code: 'HANDLER_FAILED' | 'HANDLER_TIMED_OUT' };

export type WebhookReply =
  { kind: 'not-allowed'; allow: string[] } | ({ quota: Quota } & (FinalReply | { kind: 'limited' }));

/** The same whatever was wrong: who guesses addresses learns nothing. */
export class NoSuchWebhookError extends PlatformError {
  constructor() {
    super('WEBHOOK_NOT_FOUND', 'There is no such webhook');
  }
}
