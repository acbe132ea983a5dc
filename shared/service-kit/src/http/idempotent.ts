import { createHash } from 'node:crypto';
import { PlatformError } from '@verifywise/contracts';
import type { Request, RequestHandler, Response } from 'express';
import { identityOf } from '../identity/identity-check.ts';
import type { Logger } from '../logs/logger.ts';
import type { IdempotentAnswers, RequestKey, StoredAnswer } from './idempotent-answers.ts';
import { recordAnswer } from './record-answer.ts';
import { requestLogOf } from './request-log.ts';

const KEY = /^[\x21-\x7e]{1,255}$/;
/** Answers of the management API are small; what is larger is not kept, and its request may be tried anew. */
const MAX_KEPT_BYTES = 1024 * 1024;
const EXTEND_EVERY_MS = 20_000;
/** A request that takes longer than this is stuck, and its claim may lapse. */
const EXTEND_FOR_MS = 10 * 60_000;
/** Passing conditions: the same request may be answered otherwise a moment later. */
const PASSING = new Set([408, 421, 423, 425, 429]);

/**
 * Honours `Idempotency-Key` on POST: the same request again gets the stored answer (with `Idempotency-Replayed: true`), another
 * request with the same key 409, one that comes while the first is worked on 423. Answers from 500 on are not kept.
 * Stands after `identityCheck`, `requireRole` and the body's parser.
 */
export function idempotent(answers: IdempotentAnswers): RequestHandler {
  return async (req, res, next) => {
    const key = req.get('idempotency-key');
    if (req.method !== 'POST' || key === undefined) {
      next();
      return;
    }
    if (!KEY.test(key))
      throw new PlatformError('BAD_REQUEST', 'An Idempotency-Key is 1 to 255 printable ASCII characters');
    const request = { tenant: identityOf(req).tenant, key, method: req.method, path: `${req.baseUrl}${req.path}` };
    const claimed = await answers.claim(request, fingerprintOf(req));
    switch (claimed.kind) {
      case 'answered':
        replay(res, claimed.answer);
        return;
      case 'busy':
        throw new PlatformError('BUSY', 'The first request with this Idempotency-Key is still being worked on', {
          details: { retryAfterSeconds: 1 },
        });
      case 'reused':
        throw new PlatformError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used for another request');
      case 'ours':
        keepAnswer(res, answers, request, claimed.claim, requestLogOf(req));
        next();
    }
  };
}

/** What makes two requests the same: who asks, and for what. A body that is not parsed here counts by its type and length. */
function fingerprintOf(req: Request): string {
  const { userId } = identityOf(req);
  const unparsed = [req.get('content-type')?.split(';')[0] ?? '', req.get('content-length') ?? ''];
  const body = (req.body as unknown) ?? unparsed;
  return createHash('sha256')
    .update(canonical([userId, req.url, body]))
    .digest('base64url');
}

/** JSON with the names of objects in order, so that the same content is the same text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function replay(res: Response, { status, headers, body }: StoredAnswer): void {
  res.status(status).set(headers).set('Idempotency-Replayed', 'true').end(body);
}

/** Holds the claim while the request is worked on, then keeps its answer or lets go. */
function keepAnswer(res: Response, answers: IdempotentAnswers, request: RequestKey, claim: string, log: Logger): void {
  const startedAt = performance.now();
  const timer = setInterval(() => {
    if (performance.now() - startedAt > EXTEND_FOR_MS) clearInterval(timer);
    else answers.extend(request, claim).catch((error: unknown) => log.warn({ err: error }, 'a claim was not extended'));
  }, EXTEND_EVERY_MS);
  timer.unref();

  recordAnswer(res, MAX_KEPT_BYTES, async (answer) => {
    clearInterval(timer);
    try {
      if (answer === undefined || answer.status >= 500 || PASSING.has(answer.status))
        await answers.letGo(request, claim);
      else await answers.keep(request, claim, answer);
    } catch (error) {
      // The work is done, so its answer goes out; the claim lapses by itself.
      log.warn({ err: error, path: request.path }, 'an answer could not be kept for its Idempotency-Key');
    }
  });
}
