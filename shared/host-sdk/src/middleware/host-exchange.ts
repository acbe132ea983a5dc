import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request as Express 4 and 5 make it, as far as the SDK needs it. */
export type HostIncoming = IncomingMessage & {
  /** The whole URL; `url` lacks the path where a router is mounted. */
  originalUrl?: string;
  body?: unknown;
  /** Whether the client has the answer already, by its conditional headers. */
  readonly fresh?: boolean;
};

/** A response as Express makes it, as far as the SDK needs it. */
export type HostOutgoing = ServerResponse & { app?: { get(setting: string): unknown } };

/** Who makes a request, as the host has verified it. */
export interface HostIdentity {
  tenant: string;
  userId?: string | number;
  role?: string;
  email?: string;
  name?: string;
}

/** The URL that patterns are matched with: path and query, wherever the middleware is mounted. */
export function urlOf(req: HostIncoming): string {
  return req.originalUrl ?? req.url ?? '/';
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;
const OTHER_CHARSET = /;\s*charset\s*=\s*"?(?!utf-?8\b)/i;

/** True for JSON in UTF-8, which is the only JSON that is read here. */
export function isJsonType(contentType: unknown): boolean {
  return typeof contentType === 'string' && JSON_TYPE.test(contentType) && !OTHER_CHARSET.test(contentType);
}
