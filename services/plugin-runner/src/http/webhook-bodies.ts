import { Readable } from 'node:stream';
import { PlatformError } from '@verifywise/contracts';
import { SERVICE_TOKEN_HEADER, fetchWithin, type ServiceTokens } from '@verifywise/service-kit';

/** 25 MB on a network between services. */
const FETCH_DEADLINE_MS = 30_000;

/** A body that is too large for a message, as it comes from the gateway that stored it. */
export type FetchWebhookBody = (tenant: string, requestId: string, bytes: number) => Promise<Readable>;

/**
 * Fetches large bodies from the webhook gateway. One that cannot be fetched now is UNAVAILABLE, so that the gateway sends the webhook again;
 * one that is gone for good is REQUEST_NOT_FOUND.
 */
export function webhookBodies(gatewayUrl: string, tokens: Pick<ServiceTokens, 'sign'>): FetchWebhookBody {
  return async (tenant, requestId, bytes) => {
    const token = await tokens.sign({ audience: 'webhook-gateway', tenant });
    const url = `${gatewayUrl}/internal/webhook-bodies/${encodeURIComponent(requestId)}`;
    try {
      const headers = { [SERVICE_TOKEN_HEADER]: token };
      const answer = await fetchWithin(url, { deadlineMs: FETCH_DEADLINE_MS, maxBytes: bytes, headers });
      if (answer.status === 200) return Readable.from(whole(answer.stream(), bytes), { objectMode: false });
      answer.discard();
      if (answer.status === 404)
        throw new PlatformError(
          'REQUEST_NOT_FOUND',
          `The gateway has no body of webhook request ${requestId} any more`,
        );
      throw new Error(`the gateway answered ${answer.status}`);
    } catch (error) {
      if (error instanceof PlatformError && error.code === 'REQUEST_NOT_FOUND') throw error;
      throw away(error);
    }
  };
}

/** All of it or an error: what is cut off must not look like the end. */
async function* whole(chunks: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let seen = 0;
  try {
    for await (const chunk of chunks) {
      seen += chunk.length;
      yield chunk;
    }
    if (seen !== bytes) throw new Error(`${seen} of ${bytes} bytes came`);
  } catch (error) {
    throw away(error);
  }
}

function away(error: unknown): PlatformError {
  return new PlatformError('UNAVAILABLE', 'The body of the webhook cannot be fetched now; it is sent again', {
    cause: error,
  });
}
