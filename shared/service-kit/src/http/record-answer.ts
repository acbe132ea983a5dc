import type { Response } from 'express';
import type { StoredAnswer } from './idempotent-answers.ts';

const KEPT_HEADERS = ['content-type', 'location', 'etag', 'preference-applied'];

/**
 * Collects what is answered, and holds back the end of the answer until `settle` has dealt with it: a client that has seen it finds
 * it again. `settle` gets undefined when the body is larger than `maxBytes`, and must not reject.
 */
export function recordAnswer(
  res: Response,
  maxBytes: number,
  settle: (answer: StoredAnswer | undefined) => Promise<void>,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  const collect = (chunk: unknown, encoding: unknown) => {
    const bytes = bytesOf(chunk, encoding);
    size += bytes.length;
    if (size <= maxBytes) chunks.push(bytes);
  };
  const answer = (): StoredAnswer | undefined =>
    size > maxBytes ? undefined : { status: res.statusCode, headers: headersOf(res), body: Buffer.concat(chunks) };

  const write = res.write.bind(res) as (...args: unknown[]) => boolean;
  const end = res.end.bind(res) as (...args: unknown[]) => Response;
  let ended = false;
  res.write = ((...args: unknown[]) => {
    collect(args[0], args[1]);
    return write(...args);
  }) as typeof res.write;
  res.end = ((...args: unknown[]) => {
    if (ended) return res;
    ended = true;
    collect(args[0], args[1]);
    void settle(answer()).then(() => end(...args));
    return res;
  }) as typeof res.end;
}

/** What is neither text nor bytes, such as a callback in the place of a chunk, is nothing. */
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
