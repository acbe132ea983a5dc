import type { HostRequest, HostResponse, MiddlewareState } from '@verifywise/contracts';
import { MIDDLEWARE_BODY_LIMIT_BYTES, PlatformError } from '@verifywise/contracts';
import type { MiddlewareCall } from '../protocol.ts';

/** JSON as text: parsed anew for every handler, so that one that fails leaves nothing behind; undefined when there is none. */
export type JsonText = string | undefined;

/** What passes from one handler to the next. */
export interface ExchangeState {
  headers: HostRequest['headers'];
  body: JsonText;
  /** Own properties of `req` that plugins have set. */
  own: MiddlewareState;
  response: { status: number; headers: HostResponse['headers']; body: JsonText };
}

export function stateOf({ request, state, response }: MiddlewareCall): ExchangeState {
  return {
    headers: request.headers,
    body: textOf(request.body),
    own: state,
    response: {
      status: response?.status ?? 200,
      headers: response?.headers ?? {},
      body: textOf(response?.body),
    },
  };
}

export function requestOf({ headers, body }: ExchangeState): Pick<HostRequest, 'headers' | 'body'> {
  return { headers, ...(body === undefined ? {} : { body: valueOf(body) }) };
}

export function responseOf({ response: { status, headers, body } }: ExchangeState): HostResponse {
  return { status, headers, ...(body === undefined ? {} : { body: valueOf(body) }) };
}

/** Throws when it is no JSON, or more than a question carries. */
export function textOf(body: unknown): JsonText {
  const text = JSON.stringify(body) as string | undefined;
  if (text !== undefined && Buffer.byteLength(text) > MIDDLEWARE_BODY_LIMIT_BYTES) {
    const message = `A body that middleware changes may have ${MIDDLEWARE_BODY_LIMIT_BYTES} bytes; this one has more`;
    throw new PlatformError('TOO_LARGE', message);
  }
  return text;
}

export function valueOf(body: JsonText): unknown {
  return body === undefined ? undefined : JSON.parse(body);
}
