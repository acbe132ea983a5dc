import { errorAnswer, PlatformError, statusOfCode, type ErrorAnswer, type ErrorCode } from '@verifywise/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { isDatabaseAway } from '../database/database-away.ts';
import { isError } from '../errors/thrown.ts';
import type { Logger } from '../logs/logger.ts';
import { pathOf } from './plain-route.ts';
import { requestIdOf } from './request-id.ts';

const BUSY = 'What this service needs for an answer did not answer in time; ask again';
const ASK_AGAIN = { retryAfterSeconds: 2 };

/** Longer than this a path in an answer helps nobody. */
const MAX_SHOWN_PATH = 200;

/** Answers what no router knew. */
export const nothingHere: RequestHandler = (req) => {
  throw new PlatformError('NOT_FOUND', `There is nothing at ${req.method} ${req.path.slice(0, MAX_SHOWN_PATH)}`);
};

/**
 * Turns whatever was thrown into `{success: false, error: {code, message, details?}}` with the status of its code.
 * What has no code of ours is INTERNAL: the client gets the request id, the log gets the stack.
 */
export function errorEnvelope(log: Logger): ErrorRequestHandler {
  return (thrown: unknown, req, res, next) => {
    // Half an answer is out already: only cutting the connection tells the client that the rest is missing.
    if (!answerThrown(log, thrown, req, res)) next(thrown);
  };
}

/** Logs and answers what was thrown while a request was served; false when an answer is out already. */
export function answerThrown(log: Logger, thrown: unknown, req: IncomingMessage, res: ServerResponse): boolean {
  const error = platformErrorOf(thrown);
  const answer = error === undefined ? internalAnswer(requestIdOf(req)) : errorAnswer(error);
  const status = statusOfCode[answer.code];
  const about = { requestId: requestIdOf(req), method: req.method, path: pathOf(req), code: answer.code };
  if (error === undefined || answer.code === 'INTERNAL') log.error({ ...about, err: thrown }, 'request failed');
  else if (status >= 500) log.warn({ ...about, err: thrown }, 'request failed');
  else log.debug({ ...about, reason: answer.message }, 'request refused');

  if (res.headersSent) return false;
  answerError(res, answer);
  return true;
}

/** Writes the envelope of an error, with the headers its status asks for. */
export function answerError(res: ServerResponse, answer: ErrorAnswer): void {
  const status = statusOfCode[answer.code];
  if (status === 401 && !res.hasHeader('WWW-Authenticate')) res.setHeader('WWW-Authenticate', 'Bearer');
  const wait = retryAfterOf(answer);
  if (wait !== undefined) res.setHeader('Retry-After', String(wait));
  const body = Buffer.from(JSON.stringify({ success: false, error: answer }));
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', body.length);
  res.statusCode = status;
  res.end(body);
}

/** `details.retryAfterSeconds` of an error is also said in the header made for it. */
function retryAfterOf({ details }: ErrorAnswer): number | undefined {
  if (typeof details !== 'object' || details === null || !('retryAfterSeconds' in details)) return undefined;
  const seconds = Number(details.retryAfterSeconds);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds) : undefined;
}

function internalAnswer(id: string): ErrorAnswer {
  return { ...errorAnswer(undefined), details: { requestId: id } };
}

/** The platform's error for what was thrown: itself, or what express and its body parser mean; undefined when unknown. */
function platformErrorOf(thrown: unknown): PlatformError | undefined {
  if (thrown instanceof PlatformError) return thrown;
  if (isDatabaseAway(thrown)) return new PlatformError('UNAVAILABLE', BUSY, { details: ASK_AGAIN, cause: thrown });
  if (!isError(thrown) || !('status' in thrown) || typeof thrown.status !== 'number') return undefined;
  const { status } = thrown;
  if (status < 400 || status >= 500) return undefined;
  const type = 'type' in thrown && typeof thrown.type === 'string' ? thrown.type : '';
  const limit = 'limit' in thrown && typeof thrown.limit === 'number' ? `the ${thrown.limit} bytes that ` : '';
  const [code, message] = meaningOf(status, type, limit);
  return new PlatformError(code, message, { cause: thrown });
}

function meaningOf(status: number, type: string, limit: string): [ErrorCode, string] {
  if (type === 'entity.parse.failed') return ['BAD_REQUEST', 'The body is not valid JSON'];
  if (type === 'request.aborted') return ['BAD_REQUEST', 'The request ended before its body was complete'];
  if (status === 413) return ['TOO_LARGE', `The body is larger than ${limit}this path accepts`];
  if (status === 415) return ['UNSUPPORTED_MEDIA_TYPE', 'The body has an encoding or charset that is not understood'];
  return ['BAD_REQUEST', 'The request is malformed'];
}
