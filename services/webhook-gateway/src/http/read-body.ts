import type { IncomingMessage } from 'node:http';
import { PlatformError } from '@verifywise/contracts';

/** A megabyte over a slow line; who sends slower holds a connection for nothing. */
const BODY_DEADLINE_MS = 30_000;

/** The body byte for byte as it was sent, because signatures cover exactly these bytes. TOO_LARGE beyond `limit`. */
export async function readBody(req: IncomingMessage, limit: number): Promise<Buffer> {
  const tooLarge = () =>
    new PlatformError('TOO_LARGE', `A webhook's body has at most ${limit} bytes`, { details: { limit } });
  if (Number(req.headers['content-length'] ?? 0) > limit) throw tooLarge();
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const take = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > limit) reject(tooLarge());
    else chunks.push(chunk);
  };
  const timer = setTimeout(
    () => reject(new PlatformError('TIMED_OUT', `The body was not there within ${BODY_DEADLINE_MS / 1_000} s`)),
    BODY_DEADLINE_MS,
  );
  req.on('data', take);
  req.once('end', () => resolve(Buffer.concat(chunks)));
  req.once('close', () => reject(new PlatformError('BAD_REQUEST', 'The request ended before its body was complete')));
  req.once('error', reject);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    req.off('data', take);
  }
}
