/** What runner and isolate agree on for the HTTP between them, on the isolate's private socket. */

/** Who asks, as base64 JSON. The runner removes what came from outside under this name and writes its own. */
export const FORWARDED_IDENTITY_HEADER = 'x-verifywise-identity';

/** Deliveries of webhooks are requests below this path; it is outside of `/api/plugins`, so no route can collide with it. */
export const WEBHOOK_PREFIX = '/webhooks';

export interface ForwardedIdentity {
  tenant: string;
  userId?: string;
  role?: string;
}
