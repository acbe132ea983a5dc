import { request } from 'node:http';
import { PlatformError } from '@verifywise/contracts';
import { PRIVATE_HEADERS, WEBHOOK_PREFIX, privateHeaders } from '../isolate/private-http.ts';
import type { CallWebhook } from '../messages/deliver-webhook.ts';
import { headersToPass } from './hop-headers.ts';

/** An answer to a webhook travels in one message. */
const LARGEST_ANSWER_BYTES = 1024 * 1024;

/** Requests of these methods say how long their body is, even when there is none (RFC 9110 §8.6). */
const LENGTH_EXPECTED = new Set(['POST', 'PUT', 'PATCH']);

/** Delivers a webhook as an HTTP request on the isolate's socket, byte for byte as it came in. */
export const callWebhook: CallWebhook = (door, tenant, webhook, limitMs) => {
  const body = Buffer.from(webhook.bodyBase64, 'base64');
  const limit = AbortSignal.timeout(limitMs);
  const timedOut = () =>
    new PlatformError('HANDLER_TIMED_OUT', `The webhook was not answered within ${limitMs / 1000} s`);
  return new Promise((resolve, rejectWith) => {
    const reject = (error: Error) => rejectWith(limit.aborted ? timedOut() : endedTooSoon(error));
    const outgoing = request({
      socketPath: door.socketPath,
      method: webhook.method,
      path: `${WEBHOOK_PREFIX}/${encodeURIComponent(webhook.webhook)}${webhook.url.startsWith('/') ? webhook.url : `/${webhook.url}`}`,
      headers: {
        ...headersToPass(webhook.headers, [...PRIVATE_HEADERS, 'content-length']),
        ...(body.length > 0 || LENGTH_EXPECTED.has(webhook.method) ? { 'content-length': String(body.length) } : {}),
        ...privateHeaders(door, { tenant }),
      },
      signal: limit,
    });
    outgoing.on('error', reject);
    outgoing.once('response', (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > LARGEST_ANSWER_BYTES) {
          outgoing.destroy(
            new PlatformError('HANDLER_FAILED', `The webhook's answer is larger than ${LARGEST_ANSWER_BYTES} bytes`),
          );
        } else chunks.push(chunk);
      });
      answer.on('error', reject);
      answer.once('end', () => {
        const headers = Object.entries(headersToPass(answer.headers)).map(([name, value]) => [name, String(value)]);
        resolve({
          status: answer.statusCode ?? 500,
          headers: Object.fromEntries(headers) as Record<string, string>,
          bodyBase64: Buffer.concat(chunks).toString('base64'),
        });
      });
    });
    outgoing.end(body);
  });
};

function endedTooSoon(error: Error): Error {
  if (error instanceof PlatformError) return error;
  return new PlatformError('PLUGIN_CRASHED', 'The plugin ended before it had answered the webhook', { cause: error });
}
