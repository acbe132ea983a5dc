import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

const REQUEST_ID = /^[A-Za-z0-9_.:-]{1,128}$/;
const requestIds = new WeakMap<object, string>();

/** Keeps the caller's X-Request-Id when it is a plain one, makes one otherwise, and answers with it. */
export function giveRequestId(req: IncomingMessage, res: ServerResponse): void {
  const given = req.headers['x-request-id'];
  const id = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
  requestIds.set(req, id);
  res.setHeader('X-Request-Id', id);
}

/** The id that finds this request in the logs; also what follows from it, when given on as correlation id. */
export function requestIdOf(req: IncomingMessage): string {
  return requestIds.get(req) ?? 'unknown';
}
