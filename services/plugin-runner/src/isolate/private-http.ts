/** What runner and isolate agree on for the HTTP between them, on the isolate's private socket. */

/** Who asks, as base64 JSON. The runner removes what came from outside under this name and writes its own. */
export const FORWARDED_IDENTITY_HEADER = 'x-verifywise-identity';

/** Proves to an isolate that its own runner asks: its neighbours run under the same user of the machine. */
export const TOKEN_HEADER = 'x-verifywise-isolate';

/** What only the runner may say; its isolate takes these from a request before the plugin sees it. */
export const PRIVATE_HEADERS: readonly string[] = [FORWARDED_IDENTITY_HEADER, TOKEN_HEADER];

/** Deliveries of webhooks are requests below this path; it is outside of `/api/plugins`, so no route can collide with it. */
export const WEBHOOK_PREFIX = '/webhooks';

/** Where an isolate serves its HTTP, and what it answers to. */
export interface IsolateDoor {
  socketPath: string;
  socketToken: string;
}

export interface ForwardedIdentity {
  tenant: string;
  userId?: string;
  role?: string;
}

/** What the runner sends with each request, in the place of what came from outside under these names. */
export function privateHeaders({ socketToken }: IsolateDoor, identity: ForwardedIdentity): Record<string, string> {
  return {
    [TOKEN_HEADER]: socketToken,
    [FORWARDED_IDENTITY_HEADER]: Buffer.from(JSON.stringify(identity)).toString('base64'),
  };
}
