import { createHash } from 'node:crypto';
import { PlatformError } from '@verifywise/contracts';
import type { Request, RequestHandler, Response } from 'express';
import { identityOf } from '../identity/identity-check.ts';
import type { IdempotentAnswers, RequestKey, StoredAnswer } from './idempotent-answers.ts';

const KEY = /^[\x21-\x7e]{1,255}$/;
/** Answers of the management API are small; what is larger is not kept, and its request may be tried anew. */
const MAX_KEPT_BYTES = 1024 * 1024;
const EXTEND_EVERY_MS = 20_000;
/** A request that takes longer than this is stuck, and its claim may lapse. */
const EXTEND_FOR_MS = 10 * 60_000;
/** Passing conditions: the same request may be answered otherwise a moment later. */
const PASSING = new Set([408, 421, 423, 425, 429]);
const KEPT_HEADERS = ['content-type', 'location', 'etag', 'preference-applied'];

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
        keepAnswer(res, answers, request, claimed.claim);
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

/** Keeps the answer before its last byte goes out: a client that has seen it finds it again. */
function keepAnswer(res: Response, answers: IdempotentAnswers, request: RequestKey, claim: string): void {
  const chunks: Buffer[] = [];
  let size = 0;
  const collect = (chunk: unknown, encoding: unknown) => {
    const bytes = bytesOf(chunk, encoding);
    size += bytes.length;
    if (size <= MAX_KEPT_BYTES) chunks.push(bytes);
  };

  const startedAt = performance.now();
  const timer = setInterval(() => {
    if (performance.now() - startedAt > EXTEND_FOR_MS) clearInterval(timer);
    // A claim that could not be extended is tried again at the next tick; it holds for three of them.
    else answers.extend(request, claim).catch(() => undefined);
  }, EXTEND_EVERY_MS);
  timer.unref();

  const settle = async () => {
    clearInterval(timer);
    const keep = res.statusCode < 500 && !PASSING.has(res.statusCode) && size <= MAX_KEPT_BYTES;
    if (keep)
      await answers.keep(request, claim, {
        status: res.statusCode,
        headers: headersOf(res),
        body: Buffer.concat(chunks),
      });
    else await answers.letGo(request, claim);
  };

  const write = res.write.bind(res) as (...args: unknown[]) => boolean;
  const end = res.end.bind(res) as (...args: unknown[]) => Response;
  let ended = false;
  res.write = ((chunk: unknown, ...rest: unknown[]) => {
    collect(chunk, rest[0]);
    return write(chunk, ...rest);
  }) as typeof res.write;
  res.end = ((...args: unknown[]) => {
    if (ended) return res;
    ended = true;
    if (args.length > 0 && typeof args[0] !== 'function') collect(args[0], args[1]);
    // The work is done either way: an answer that could not be kept still goes out, and the claim lapses.
    void settle()
      .catch(() => undefined)
      .then(() => end(...args));
    return res;
  }) as typeof res.end;
}

function bytesOf(chunk: unknown, encoding: unknown): Buffer {
  if (typeof chunk === 'string')
    return Buffer.from(chunk, typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8');
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : Buffer.alloc(0);
}

function headersOf(res: Response): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of KEPT_HEADERS) {
    const value = res.getHeader(name);
    if (value !== undefined) kept[name] = String(value);
  }
  return kept;
}
