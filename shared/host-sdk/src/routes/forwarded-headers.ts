import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { hopByHopHeaders } from '@verifywise/contracts';

/** Only services may say these, and a browser is none; Node has already answered `Expect`. */
const notFromOutside = ['x-service-token', 'expect'];

/** The request's headers as the service gets them: the Host stays, because a webhook's tenant may be in it. */
export function requestHeaders(req: IncomingMessage, requestId: string | undefined): OutgoingHttpHeaders {
  const headers = without(req.headers, [...hopByHopHeaders, ...notFromOutside]);
  const from = req.socket.remoteAddress;
  const before = req.headers['x-forwarded-for'];
  if (from !== undefined) headers['x-forwarded-for'] = before === undefined ? from : `${String(before)}, ${from}`;
  if (req.headers.host !== undefined) headers['x-forwarded-host'] ??= req.headers.host;
  headers['x-forwarded-proto'] ??= 'encrypted' in req.socket ? 'https' : 'http';
  if (requestId !== undefined) headers['x-request-id'] ??= requestId;
  return headers;
}

export function responseHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return without(headers, hopByHopHeaders);
}

function without(headers: IncomingHttpHeaders, dropped: readonly string[]): OutgoingHttpHeaders {
  const named = (headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  const gone = new Set([...dropped, ...named]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !gone.has(name)));
}
