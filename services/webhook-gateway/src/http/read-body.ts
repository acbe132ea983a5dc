import type { IncomingMessage } from 'node:http';
import { PlatformError } from '@verifywise/contracts';

/** A megabyte over a slow line; who sends slower holds a connection for nothing. */
const BODY_DEADLINE_MS = 30_000;
/** Larger bodies have longer, at the pace of such a line. */
const BYTES_PER_MS = 256;

/** The body byte for byte as it was sent, because signatures cover exactly these bytes. TOO_LARGE beyond `limit`. */
export async function* readBody(req: IncomingMessage, limit: number): AsyncGenerator<Buffer, void, undefined> {
  if (Number(req.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  // Whoever refuses the rest of a body still has to answer on its connection.
  const chunks = req.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer, undefined>;
  const deadline = deadlineFor(limit);
  let bytes = 0;
  try {
    for (;;) {
      const next = await Promise.race([nextOf(chunks), deadline.passed]);
      if (next.done === true) return;
      bytes += next.value.length;
      if (bytes > limit) throw tooLarge(limit);
      yield next.value;
    }
  } finally {
    deadline.end();
    // What is not wanted is let go by, so that the connection serves the next request; it is broken already when that fails.
    chunks.return?.().then(
      () => req.resume(),
      () => undefined,
    );
  }
}

async function nextOf(chunks: AsyncIterator<Buffer, undefined>): Promise<IteratorResult<Buffer, undefined>> {
  try {
    return await chunks.next();
  } catch (error) {
    throw new PlatformError('BAD_REQUEST', 'The request ended before its body was complete', { cause: error });
  }
}

function tooLarge(limit: number): PlatformError {
  return new PlatformError('TOO_LARGE', `The body of this webhook may have at most ${limit} bytes`, {
    details: { limit },
  });
}

function deadlineFor(limit: number) {
  const ms = BODY_DEADLINE_MS + limit / BYTES_PER_MS;
  const { promise, reject } = Promise.withResolvers<never>();
  // Nobody may be waiting for it at the moment it passes.
  promise.catch(() => undefined);
  const late = () => new PlatformError('TIMED_OUT', `The body was not there within ${Math.round(ms / 1_000)} s`);
  const timer = setTimeout(() => reject(late()), ms);
  return { passed: promise, end: () => clearTimeout(timer) };
}
