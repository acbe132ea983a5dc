import type { WebhookOutcome } from '@verifywise/contracts';
import type { RequestSummary, WebhookRequest } from './webhook-request.ts';

export type NewRequest = Pick<
  WebhookRequest,
  'requestId' | 'tenant' | 'pluginId' | 'webhook' | 'deliveryId' | 'method' | 'url' | 'headers' | 'body' | 'bodyBytes'
>;

/** Storing a request is accepting it; one that came before under the sender's delivery id is not stored again. */
export type Stored = { kind: 'new'; request: WebhookRequest } | { kind: 'duplicate'; of: WebhookRequest };

/** Which requests of a plugin: those that fit all of it, newest first. */
export interface RequestSelection {
  limit: number;
  /** Received before this moment. */
  before?: Date;
  webhook?: string;
  outcome?: string;
}

/** All requests that were accepted. */
export interface RequestBook {
  /** To be sent in so long: at once by whoever stores it, or later; when nothing was written about it until then, anybody sends it. */
  accept(request: NewRequest, sendInMs: number): Promise<Stored>;
  /** A request like an older one, to be sent now; undefined when there is no such. */
  replay(
    tenant: string,
    pluginId: string,
    requestId: string,
    newRequestId: string,
  ): Promise<WebhookRequest | undefined>;
  find(tenant: string, requestId: string): Promise<WebhookRequest | undefined>;
  list(tenant: string, pluginId: string, selection: RequestSelection): Promise<RequestSummary[]>;
  /** Requests that are to be sent, each to one caller, some of every plugin that has any. */
  claim(most: number, leaseMs: number): Promise<WebhookRequest[]>;
  markSent(request: WebhookRequest, sendAgainInMs: number): Promise<void>;
  giveBack(request: WebhookRequest, inMs: number): Promise<void>;
  /** Writes an outcome down, the first one only. */
  conclude(tenant: string, outcome: WebhookOutcome): Promise<void>;
  /** The plugin is not there now: sent again in a while, given up after a day. */
  wait(tenant: string, outcome: WebhookOutcome, inMs: number): Promise<void>;
  /** The plugin is there again: what waits for it is sent now. */
  wakeWaiting(tenant: string, pluginId: string): Promise<void>;
  /** Was not accepted after all, and its sender is told so. */
  discard(request: WebhookRequest): Promise<void>;
  forgetOlderThan(days: number): Promise<void>;
  forgetPlugin(tenant: string, pluginId: string): Promise<void>;
}
