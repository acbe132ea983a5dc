import { PlatformError } from '@verifywise/contracts';
import { WEBHOOK_PREFIX, privatePath, wordOf } from '../isolate/private-http.ts';
import type { CallWebhook } from '../messages/deliver-webhook.ts';
import { headersToPass } from './hop-headers.ts';

/** An answer to a webhook travels in one message. */
const LARGEST_ANSWER_BYTES = 1024 * 1024;

/** Requests of these methods say how long their body is, even when there is none (RFC 9110 §8.6). */
const LENGTH_EXPECTED = new Set(['POST', 'PUT', 'PATCH']);

/** Delivers a webhook as an HTTP request on the isolate's socket, byte for byte as it came in. */
export const callWebhook: CallWebhook = async (door, tenant, webhook, limitMs) => {
  const body = Buffer.from(webhook.bodyBase64, 'base64');
  const limit = AbortSignal.timeout(limitMs);
  const url = webhook.url.startsWith('/') ? webhook.url : `/${webhook.url}`;
  const path = `${WEBHOOK_PREFIX}/${encodeURIComponent(webhook.webhook)}${url}`;
  try {
    const answer = await door.client.request({
      method: webhook.method,
      path: privatePath(door, wordOf({ tenant }), path),
      headers: {
        ...headersToPass(webhook.headers, (name) => name !== 'content-length'),
        ...(body.length > 0 || LENGTH_EXPECTED.has(webhook.method) ? { 'content-length': String(body.length) } : {}),
      },
      body,
      signal: limit,
      // The limit is the handler's.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const headers = Object.entries(headersToPass(answer.headers)).map(([name, value]) => [name, String(value)]);
    return {
      status: answer.statusCode,
      headers: Object.fromEntries(headers) as Record<string, string>,
      bodyBase64: (await boundedBody(answer.body)).toString('base64'),
    };
  } catch (error) {
    if (limit.aborted)
      throw new PlatformError('HANDLER_TIMED_OUT', `The webhook was not answered within ${limitMs / 1000} s`);
    throw endedTooSoon(error);
  }
};

async function boundedBody(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > LARGEST_ANSWER_BYTES)
      throw new PlatformError('HANDLER_FAILED', `The webhook's answer is larger than ${LARGEST_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function endedTooSoon(error: unknown): Error {
  if (error instanceof PlatformError) return error;
  return new PlatformError('PLUGIN_CRASHED', 'The plugin ended before it had answered the webhook', { cause: error });
}
