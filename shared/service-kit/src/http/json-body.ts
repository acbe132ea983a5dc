import { PlatformError } from '@verifywise/contracts';
import express, { type RequestHandler } from 'express';

/** Enough for every request of the management API, small enough to hold many at once. */
const DEFAULT_LIMIT = '1mb';

/**
 * Reads a JSON body into `req.body`, up to `limit` (bytes or "15mb"): 400 when it is not JSON, 413 when it is larger,
 * 415 when it is something else. No body reads as undefined.
 */
export function jsonBody(limit: string | number = DEFAULT_LIMIT): RequestHandler {
  const parse: RequestHandler = express.json({ limit });
  return (req, res, next) => {
    const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
    if (hasBody && req.is(['json', '+json']) === false)
      throw new PlatformError('UNSUPPORTED_MEDIA_TYPE', 'The body must be sent as application/json');
    parse(req, res, next);
  };
}
