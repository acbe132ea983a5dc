import { crypto } from './late-crypto.ts';

/**
 * What runner and isolate agree on for the HTTP between them, on the isolate's private socket: the path of a request begins with the
 * isolate's token and with who asks. Of a path the isolate can take its part off before the plugin sees the request, at no cost.
 */

/** Deliveries of webhooks are requests below this path; it is outside of `/api/plugins`, so no route can collide with it. */
export const WEBHOOK_PREFIX = '/webhooks';

/** Where an isolate serves its HTTP, and what it answers to: its neighbours run under the same user of the machine. */
export interface IsolateAddress {
  socketPath: string;
  socketToken: string;
}

export interface ForwardedIdentity {
  tenant: string;
  userId?: string;
  role?: string;
}

/** Who asks, as it stands in a path. */
export function wordOf(identity: ForwardedIdentity): string {
  return Buffer.from(JSON.stringify(identity)).toString('base64url');
}

/** The path that the isolate is asked for. */
export function privatePath({ socketToken }: IsolateAddress, who: string, path: string): string {
  return `/${socketToken}/${who}${path}`;
}

/** Who asks for what; undefined when it is not the isolate's own runner. */
export function readPrivatePath(
  { socketToken }: IsolateAddress,
  url: string,
): { identity: ForwardedIdentity; path: string } | undefined {
  const expected = Buffer.from(`/${socketToken}/`);
  const given = Buffer.from(url.slice(0, expected.length));
  if (given.length !== expected.length || !crypto().timingSafeEqual(given, expected)) return undefined;
  const whoEnds = url.indexOf('/', expected.length);
  if (whoEnds < 0) return undefined;
  const who = Buffer.from(url.slice(expected.length, whoEnds), 'base64url').toString('utf8');
  return { identity: JSON.parse(who) as ForwardedIdentity, path: url.slice(whoEnds) };
}
