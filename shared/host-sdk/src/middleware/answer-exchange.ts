import type { HostResponse } from '@verifywise/contracts';
import { MIDDLEWARE_BODY_LIMIT_BYTES } from '@verifywise/contracts';
import { isFraming } from './framing.ts';
import type { HostIncoming, HostOutgoing } from './host-exchange.ts';
import { isJsonType } from './host-exchange.ts';

const PARTIAL_CONTENT = 206;
/** A session is between the platform and its user. */
const WITHHELD = 'set-cookie';
/** What says something about the bytes, and nothing about bytes in their place. */
const DIGESTS = ['content-md5', 'content-digest', 'repr-digest', 'digest'];

/** The answer as plugins are asked about it: with its body, when that is JSON that can be read and is not too large. */
export function hostResponseOf(req: HostIncoming, res: HostOutgoing, bytes: Buffer | undefined): HostResponse {
  const headers = Object.entries(res.getHeaders()).flatMap(([name, value]) => {
    if (value === undefined || name === WITHHELD) return [];
    return [[name, Array.isArray(value) ? value.map(String) : String(value)] as const];
  });
  const body = req.method === 'HEAD' ? undefined : readableBody(res, bytes);
  return { status: res.statusCode, headers: Object.fromEntries(headers), ...body };
}

/** Sets status and headers to what plugins have made of them; cookies of theirs come beside the host's. */
export function changeHead(res: HostOutgoing, changed: HostResponse, asked?: HostResponse): unknown[] {
  const refused: unknown[] = [];
  if (res.statusCode !== changed.status) {
    res.statusCode = changed.status;
    // It belongs to the other status.
    res.statusMessage = '';
  }
  for (const [name, value] of Object.entries(changed.headers)) {
    if (isFraming(name) || String(asked?.headers[name]) === String(value)) continue;
    try {
      if (name.toLowerCase() === WITHHELD) res.appendHeader(name, value);
      else res.setHeader(name, value);
    } catch (error) {
      refused.push(error);
    }
  }
  for (const name of Object.keys(asked?.headers ?? {})) {
    if (!isFraming(name) && !(name in changed.headers)) res.removeHeader(name);
  }
  return refused;
}

/** Has the headers fit bytes that take the place of what the route has given. */
export function fitBody(res: HostOutgoing, bytes: Buffer | undefined): void {
  for (const name of DIGESTS) res.removeHeader(name);
  res.removeHeader('transfer-encoding');
  if (bytes === undefined) res.removeHeader('content-length');
  else res.setHeader('content-length', bytes.length);
}

/** The body of an answer that a plugin has given, as it is sent; undefined when there is none. */
export function bytesOfBody({ status, headers, body }: HostResponse): Buffer | undefined {
  if (body === undefined || mayHaveNoBody(status)) return undefined;
  const isText = typeof body === 'string' && !isJsonType(headers['content-type']);
  return Buffer.from(isText ? body : JSON.stringify(body));
}

export function mayHaveNoBody(status: number): boolean {
  return status === 204 || status === 304;
}

function readableBody(res: HostOutgoing, bytes: Buffer | undefined): { body: unknown } | undefined {
  if (bytes === undefined || bytes.length > MIDDLEWARE_BODY_LIMIT_BYTES || res.statusCode === PARTIAL_CONTENT)
    return undefined;
  if (!isJsonType(res.getHeader('content-type')) || res.hasHeader('content-encoding')) return undefined;
  try {
    return { body: JSON.parse(bytes.toString('utf8')) as unknown };
  } catch {
    // Called JSON, it is none; it goes on as it is.
    return undefined;
  }
}
