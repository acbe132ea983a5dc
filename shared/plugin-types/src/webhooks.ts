import type { Response } from 'express';
import type { PluginContext } from './context.ts';
import type { PluginRequest } from './request.ts';

/** A request from outside. `body` is parsed by its content type; `rawBody` is what a signature covers. */
export interface WebhookRequest extends PluginRequest {
  /** The bytes exactly as they were received. */
  rawBody: Buffer;
}

/**
 * Answers a webhook (S:10, contract §6). Returning without an answer is answered with 204, throwing with 500.
 * A request that was accepted is delivered at least once: after a crash it may come again.
 */
export type WebhookHandler = (req: WebhookRequest, res: Response, context: PluginContext) => void | Promise<void>;

export const webhookMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type WebhookMethod = (typeof webhookMethods)[number];

export const signatureSchemes = ['github', 'stripe', 'slack', 'jira', 'standard'] as const;
/** Whose way of signing requests; `standard` is that of Standard Webhooks. */
export type SignatureScheme = (typeof signatureSchemes)[number];

/** Has the platform refuse what is not signed, before it is stored: the handler sees only what the sender has signed. */
export interface WebhookVerify {
  /** `standard-webhooks` is another name of `standard`. */
  scheme: SignatureScheme | 'standard-webhooks';
  /**
   * The setting that holds the secret: one with `secret: true`, or a list of such (`proxy.secret` is inside of an object). While a
   * secret is changed there may be several; any of them counts. Without any, every request is refused.
   */
  secretConfigKey: string | string[];
}

/** The largest body a webhook may ask for. */
export const WEBHOOK_BODY_LIMIT_BYTES = 25 * 1024 * 1024;

/** One webhook of a plugin. */
export interface Webhook {
  /** POST unless given. Whoever takes GET is asked HEAD too: senders try addresses with both. */
  method?: WebhookMethod | WebhookMethod[];
  /** Without it the handler verifies by itself, with `context.webhooks.verify`. GET and HEAD pass: senders do not sign these. */
  verify?: WebhookVerify;
  /** Bytes of the largest body: 1 MB unless given, 25 MB at most. */
  bodyLimit?: number;
  /** What happens to requests beyond the limit per minute: `reject` (429, unless given) or `queue` (202, handed over as the limit allows). */
  overflow?: 'reject' | 'queue';
  handler: WebhookHandler;
}

/** Webhooks by name; each is reached at `/api/plugins/{plugin id}/webhooks/{name}` while the plugin is enabled. */
export type Webhooks = Record<string, Webhook>;

/** Checks who has sent a webhook. */
export interface WebhookVerification {
  /**
   * Returns when `req` was signed with `secret`, in the sender's scheme, at most 300 s ago where the scheme carries a time.
   * Otherwise throws an error named `SignatureError` whose `code` is `SIGNATURE_INVALID`; letting it pass answers 401.
   */
  verify(
    scheme: SignatureScheme | 'standard-webhooks',
    secret: string,
    req: Pick<WebhookRequest, 'headers' | 'rawBody'>,
  ): void;
}
