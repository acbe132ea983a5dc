import type { IncomingMessage } from 'node:http';
import type { Logger } from '../logs/logger.ts';
import { requestIdOf } from './request-id.ts';

const logs = new WeakMap<object, Logger>();
const parents = new WeakMap<object, Logger>();

/** Lets the request have a logger that names it. */
export function giveRequestLog(req: IncomingMessage, log: Logger): void {
  parents.set(req, log);
}

/** A logger whose lines carry the request's id; for requests that come through `serveHttp`. */
export function requestLogOf(req: IncomingMessage): Logger {
  const known = logs.get(req);
  if (known !== undefined) return known;
  const parent = parents.get(req);
  if (parent === undefined) throw new Error('The request did not come through serveHttp');
  // Made when somebody writes: most requests are answered without a line.
  const log = parent.child({ requestId: requestIdOf(req) });
  logs.set(req, log);
  return log;
}
