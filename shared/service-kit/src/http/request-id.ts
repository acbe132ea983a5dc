import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler } from 'express';

const REQUEST_ID = /^[A-Za-z0-9_.:-]{1,128}$/;
const requestIds = new WeakMap<object, string>();

/** Keeps the caller's X-Request-Id when it is a plain one, makes one otherwise, and answers with it. */
export const requestId: RequestHandler = (req, res, next) => {
  const given = req.get('x-request-id');
  const id = given !== undefined && REQUEST_ID.test(given) ? given : randomUUID();
  requestIds.set(req, id);
  res.set('X-Request-Id', id);
  next();
};

/** The id that finds this request in the logs; also what follows from it, when given on as correlation id. */
export function requestIdOf(req: Request): string {
  return requestIds.get(req) ?? 'unknown';
}
