import { Readable } from 'node:stream';
import { PlatformError, type WebhookDelivery } from '@verifywise/contracts';
import type { IsolateDoor } from '../hosting/isolate-door.ts';
import { WEBHOOK_PREFIX, privatePath, wordOf } from '../isolate/private-http.ts';
import type { CallWebhook } from '../messages/deliver-webhook.ts';
import { headersToPass } from './hop-headers.ts';
import type { FetchWebhookBody } from './webhook-bodies.ts';

/** An answer to a webhook travels in one message. */
const LARGEST_ANSWER_BYTES = 1024 * 1024;

/** Requests of these methods say how long their body is, even when there is none (RFC 9110 §8.6). */
const LENGTH_EXPECTED = new Set(['POST', 'PUT', 'PATCH']);

/** Delivers a webhook as an HTTP request on the isolate's socket, byte for byte as it came in. */
export function createCallWebhook(fetchBody: FetchWebhookBody): CallWebhook {
  return async (door, tenant, webhook, limitMs) => {
    const bytes = webhook.bodyElsewhere?.bytes;
    const body =
      bytes === undefined
        ? Buffer.from(webhook.bodyBase64, 'base64')
        : await fetchBody(tenant, webhook.requestId, bytes);
    // What became of the body on its way is not the plugin's fault.
    let lost: unknown;
    if (body instanceof Readable) body.once('error', (error) => (lost = error));
    const limit = AbortSignal.timeout(limitMs);
    try {
      return await request(door, tenant, webhook, { body, bytes: bytes ?? (body as Buffer).length, limit });
    } catch (error) {
      if (lost instanceof PlatformError) throw lost;
      if (limit.aborted)
        throw new PlatformError('HANDLER_TIMED_OUT', `The webhook was not answered within ${limitMs / 1000} s`);
      throw endedTooSoon(error);
    } finally {
      if (body instanceof Readable) body.destroy();
    }
  };
}

type Answer = Awaited<ReturnType<CallWebhook>>;

async function request(
  door: IsolateDoor,
  tenant: string,
  webhook: WebhookDelivery,
  { body, bytes, limit }: { body: Buffer | Readable; bytes: number; limit: AbortSignal },
): Promise<Answer> {
  const url = webhook.url.startsWith('/') ? webhook.url : `/${webhook.url}`;
  const path = `${WEBHOOK_PREFIX}/${encodeURIComponent(webhook.webhook)}${url}`;
  const answer = await door.client.request({
    method: webhook.method,
    path: privatePath(door, wordOf({ tenant }), path),
    headers: {
      ...headersToPass(webhook.headers, (name) => name !== 'content-length'),
      ...(bytes > 0 || LENGTH_EXPECTED.has(webhook.method) ? { 'content-length': String(bytes) } : {}),
    },
    body,
    signal: limit,
    // The limit is the handler's.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    status: answer.statusCode,
    headers: headersToPass(answer.headers),
    bodyBase64: (await boundedBody(answer.body)).toString('base64'),
  };
}

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
