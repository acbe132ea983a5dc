import type { WebhookOutcome } from '@verifywise/contracts';
import type { RequestSummary, WebhookRequest } from './webhook-request.ts';

export type NewRequest = Pick<
  WebhookRequest,
  'requestId' | 'tenant' | 'pluginId' | 'webhook' | 'deliveryId' | 'method' | 'url' | 'headers' | 'body'
>;

/** Storing a request is accepting it; one that came before under the sender's delivery id is not stored again. */
export type Stored = { kind: 'new'; request: WebhookRequest } | { kind: 'duplicate'; of: WebhookRequest };

/** All requests that were accepted. */
export interface RequestBook {
  /** Ours to send for `leaseMs`; when nothing was written about it until then, somebody else sends it. */
  accept(request: NewRequest, leaseMs: number): Promise<Stored>;
  /** A request like an older one, to be sent now; undefined when there is no such. */
  replay(
    tenant: string,
    pluginId: string,
    requestId: string,
    newRequestId: string,
  ): Promise<WebhookRequest | undefined>;
  find(tenant: string, pluginId: string, requestId: string): Promise<WebhookRequest | undefined>;
  list(tenant: string, pluginId: string, most: number): Promise<RequestSummary[]>;
  /** Requests that are to be sent, each to one caller. */
  claim(most: number, leaseMs: number): Promise<WebhookRequest[]>;
  markSent(requestId: string, sendAgainInMs: number): Promise<void>;
  giveBack(requestId: string, inMs: number): Promise<void>;
  /** Writes an outcome down, the first one only. */
  conclude(tenant: string, outcome: WebhookOutcome): Promise<void>;
  /** The plugin is not there now: sent again in a while, given up after a day. */
  wait(tenant: string, outcome: WebhookOutcome, inMs: number): Promise<void>;
  forgetOlderThan(days: number): Promise<void>;
  forgetPlugin(tenant: string, pluginId: string): Promise<void>;
}
