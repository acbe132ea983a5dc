import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { PlatformError } from '@verifywise/contracts';
import type { Request, RequestHandler, Response } from 'express';
import { identityOf } from '../identity/identity-check.ts';
import type { Logger } from '../logs/logger.ts';
import { canonicalJson } from '../schemas/canonical-json.ts';
import type { Claim, IdempotentAnswers, RequestKey, StoredAnswer } from './idempotent-answers.ts';
import { recordAnswer } from './record-answer.ts';
import { requestLogOf } from './request-log.ts';

const KEY = /^[\x21-\x7e]{1,255}$/;
/** Answers of the management API are small; what is larger is not kept, and its request may be tried anew. */
const MAX_KEPT_BYTES = 1024 * 1024;
const EXTEND_EVERY_MS = 6_000;
/** A request that takes longer than this is stuck, and its claim may lapse. */
const EXTEND_FOR_MS = 10 * 60_000;
/** Requests are answered within 25 s, so the answer of the first is there before this. */
const WAIT_FOR_FIRST_MS = 30_000;
const LOOK_AGAIN_MS = 200;
/** Passing conditions: the same request may be answered otherwise a moment later. */
const PASSING = new Set([408, 421, 423, 425, 429]);

export interface IdempotentOptions {
  /** What was asked for, when that is not the parsed body: something small that is the same for the same request. */
  contentOf?: (req: Request) => unknown;
  /** How long the same request waits for the answer of the first. */
  waitMs?: number;
}

const digests = new WeakMap<Request, string>();

/** The same for every attempt at this request, and for no other; undefined when it came without an Idempotency-Key. */
export function requestKeyOf(req: Request): string | undefined {
  return digests.get(req);
}

/**
 * Honours `Idempotency-Key` on POST: the same request again gets the stored answer (with `Idempotency-Replayed: true`), also one that
 * comes while the first is worked on, which waits for it; another request with the same key gets 409. Answers from 500 on are not kept.
 * Stands after `identityCheck`, `requireRole` and the body's parser.
 */
export function idempotent(answers: IdempotentAnswers, options: IdempotentOptions = {}): RequestHandler {
  const { contentOf = (req: Request) => req.body as unknown, waitMs = WAIT_FOR_FIRST_MS } = options;
  return async (req, res, next) => {
    const key = req.get('idempotency-key');
    if (req.method !== 'POST' || key === undefined) {
      next();
      return;
    }
    if (!KEY.test(key))
      throw new PlatformError('BAD_REQUEST', 'An Idempotency-Key is 1 to 255 printable ASCII characters');
    const request = { tenant: identityOf(req).tenant, key, method: req.method, path: `${req.baseUrl}${req.path}` };
    const fingerprint = fingerprintOf(req, contentOf(req));
    const claimed = await claimInTime(answers, request, fingerprint, waitMs, res);
    switch (claimed.kind) {
      case 'answered':
        replay(res, claimed.answer);
        return;
      case 'busy':
        throw new PlatformError(
          'BUSY',
          'The first request with this Idempotency-Key is still being worked on; ask again',
          {
            details: { retryAfterSeconds: 1 },
          },
        );
      case 'reused':
        throw new PlatformError(
          'IDEMPOTENCY_KEY_REUSED',
          'This Idempotency-Key was used for another request within the last day; send this one with a key of its own',
        );
      case 'ours':
        digests.set(req, hashOf([key, request.method, request.path, fingerprint]));
        keepAnswer(res, answers, request, claimed.claim, requestLogOf(req));
        next();
    }
  };
}

/** The claim, once the first request has been answered or has let go; busy when that takes too long or the client is gone. */
async function claimInTime(
  answers: IdempotentAnswers,
  request: RequestKey,
  fingerprint: string,
  waitMs: number,
  res: Response,
): Promise<Claim> {
  const until = performance.now() + waitMs;
  for (;;) {
    const claimed = await answers.claim(request, fingerprint);
    if (claimed.kind !== 'busy' || performance.now() >= until || res.closed) return claimed;
    await pause(LOOK_AGAIN_MS);
  }
}

/** What makes two requests the same: who asks, and for what. A body that is not parsed here counts by its type and length. */
function fingerprintOf(req: Request, content: unknown): string {
  const { userId } = identityOf(req);
  const unparsed = [req.get('content-type')?.split(';')[0] ?? '', req.get('content-length') ?? ''];
  return hashOf([userId, req.url, content ?? unparsed]);
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('base64url');
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
