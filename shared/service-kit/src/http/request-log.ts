import type { Request, RequestHandler } from 'express';
import type { Logger } from '../logs/logger.ts';
import { requestIdOf } from './request-id.ts';

const logs = new WeakMap<object, Logger>();

/** Gives every request a logger that names it. */
export function requestLog(log: Logger): RequestHandler {
  return (req, _res, next) => {
    logs.set(req, log.child({ requestId: requestIdOf(req) }));
    next();
  };
}

/** A logger whose lines carry the request's id; for requests that come through `serveHttp`. */
export function requestLogOf(req: Request): Logger {
  const log = logs.get(req);
  if (log === undefined) throw new Error('The request did not come through serveHttp');
  return log;
}
