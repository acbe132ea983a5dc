import { WEBHOOK_MESSAGE_BODY_BYTES } from '@verifywise/contracts';
import type { BodyPlace, LargeBodies } from './large-bodies.ts';

/** Larger rows cost the database more than they save. */
const CHUNK_BYTES = 256 * 1024;

/** The body of a request: in hand when it fits a message, else in pieces under the request's id. */
export interface TakenBody {
  body: Buffer | null;
  bodyBytes: number;
}

/** Reads a body, holding no more of it than a message may carry; `see` is shown all of it. What was stored of a body that breaks off goes again. */
export async function takeBody(
  chunks: AsyncIterable<Buffer>,
  see: (chunk: Buffer) => void,
  pieces: { place: BodyPlace; bodies: LargeBodies },
): Promise<TakenBody> {
  const { place, bodies } = pieces;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let bodyBytes = 0;
  let position = 0;
  const store = async (least: number) => {
    if (heldBytes < least || heldBytes === 0) return;
    const bytes = Buffer.concat(held);
    held = [];
    heldBytes = 0;
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      await bodies.add(place, position, bytes.subarray(at, at + CHUNK_BYTES));
      position += 1;
    }
  };
  try {
    for await (const chunk of chunks) {
      see(chunk);
      held.push(chunk);
      heldBytes += chunk.length;
      bodyBytes += chunk.length;
      if (bodyBytes > WEBHOOK_MESSAGE_BODY_BYTES) await store(CHUNK_BYTES);
    }
    if (bodyBytes <= WEBHOOK_MESSAGE_BODY_BYTES) return { body: Buffer.concat(held), bodyBytes };
    await store(1);
    return { body: null, bodyBytes };
  } catch (error) {
    if (position > 0) await bodies.discard(place.requestId);
    throw error;
  }
}
