import type { HostRequest, MiddlewareOutcome, MiddlewareState } from '@verifywise/contracts';
import { MIDDLEWARE_BODY_LIMIT_BYTES } from '@verifywise/contracts';
import { isFraming } from './framing.ts';
import type { HostIdentity, HostIncoming } from './host-exchange.ts';
import { isJsonType, urlOf } from './host-exchange.ts';

/** A JSON that was sent with so few bytes cannot be too large when it is written again. */
const SURELY_SMALL_BYTES = 64 * 1024;

/** The request as plugins are asked about it: with its JSON body, when a parser has read one that is not too large. */
export function hostRequestOf(req: HostIncoming, who: HostIdentity): HostRequest {
  return {
    method: req.method ?? 'GET',
    url: urlOf(req),
    headers: headersOf(req),
    ...(isAskedAbout(req) ? { body: req.body } : {}),
    ...(who.userId === undefined ? {} : { user: userOf(who, String(who.userId)) }),
  };
}

function userOf({ role, email, name }: HostIdentity, userId: string): NonNullable<HostRequest['user']> {
  const known = Object.entries({ role, email, name }).filter(([, value]) => value !== undefined);
  return { userId, ...(Object.fromEntries(known) as Record<string, string>) };
}

/** Puts what plugins have made of the request onto it, for the route that comes next. */
export function changeRequest(
  req: HostIncoming,
  asked: HostRequest,
  { request, state }: Pick<MiddlewareOutcome & { kind: 'continue' }, 'request' | 'state'>,
): void {
  for (const [name, value] of Object.entries(request.headers)) {
    if (mayChange(name) && !isSame(asked.headers[name], value)) req.headers[name] = value;
  }
  for (const name of Object.keys(asked.headers)) {
    if (mayChange(name) && !(name in request.headers)) Reflect.deleteProperty(req.headers, name);
  }
  if ('body' in asked && 'body' in request && !isSame(asked.body, request.body)) req.body = request.body;
  keepState(req, state);
}

/** What plugins have set on their `req` is the host's to read too, but what the request itself has stays its own. */
function keepState(req: HostIncoming, state: MiddlewareState): void {
  for (const [name, value] of Object.entries(state)) {
    if (name in req) continue;
    Object.defineProperty(req, name, { value, writable: true, enumerable: true, configurable: true });
  }
}

function headersOf(req: HostIncoming): HostRequest['headers'] {
  const given = Object.entries(req.headers).filter((header): header is [string, string | string[]] => {
    return header[1] !== undefined;
  });
  return Object.fromEntries(given);
}

function isAskedAbout({ body, headers }: HostIncoming): boolean {
  if (body === undefined || Buffer.isBuffer(body) || !isJsonType(headers['content-type'])) return false;
  // Parsers of Express 4 leave an empty object where there was no body.
  const sentBytes = Number(headers['content-length'] ?? (headers['transfer-encoding'] === undefined ? 0 : NaN));
  if (sentBytes === 0) return false;
  if (sentBytes <= SURELY_SMALL_BYTES && headers['content-encoding'] === undefined) return true;
  return Buffer.byteLength(JSON.stringify(body)) <= MIDDLEWARE_BODY_LIMIT_BYTES;
}

function mayChange(name: string): boolean {
  return !isFraming(name) && name !== 'host' && name !== 'authorization' && name !== 'cookie';
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
