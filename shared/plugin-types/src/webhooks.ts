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

export const webhookMethods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type WebhookMethod = (typeof webhookMethods)[number];

/** One webhook of a plugin. */
export interface Webhook {
  /** POST unless given. */
  method?: WebhookMethod;
  handler: WebhookHandler;
}

/** Webhooks by name; each is reached at `/api/plugins/{plugin id}/webhooks/{name}` while the plugin is enabled. */
export type Webhooks = Record<string, Webhook>;

export const signatureSchemes = ['github', 'stripe', 'slack', 'standard'] as const;
/** Whose way of signing requests; `standard` is that of Standard Webhooks. */
export type SignatureScheme = (typeof signatureSchemes)[number];

/** Checks who has sent a webhook. */
export interface WebhookVerification {
  /**
   * Returns when `req` was signed with `secret`, in the sender's scheme, at most 300 s ago where the scheme carries a time.
   * Otherwise throws an error named `SignatureError` whose `code` is `SIGNATURE_INVALID`; letting it pass answers 401.
   */
  verify(scheme: SignatureScheme, secret: string, req: Pick<WebhookRequest, 'headers' | 'rawBody'>): void;
}
