import { request } from 'node:http';
import { PlatformError } from '@verifywise/contracts';
import { FORWARDED_IDENTITY_HEADER, WEBHOOK_PREFIX } from '../isolate/private-http.ts';
import type { CallWebhook } from '../messages/deliver-webhook.ts';
import { headersToPass } from './hop-headers.ts';

/** An answer to a webhook travels in one message. */
const LARGEST_ANSWER_BYTES = 1024 * 1024;

/** Delivers a webhook as an HTTP request on the isolate's socket, byte for byte as it came in. */
export const callWebhook: CallWebhook = (socketPath, tenant, webhook, limitMs) => {
  const body = Buffer.from(webhook.bodyBase64, 'base64');
  return new Promise((resolve, reject) => {
    const outgoing = request({
      socketPath,
      method: webhook.method,
      path: `${WEBHOOK_PREFIX}/${encodeURIComponent(webhook.webhook)}${webhook.url.startsWith('/') ? webhook.url : `/${webhook.url}`}`,
      headers: {
        ...headersToPass(webhook.headers, [FORWARDED_IDENTITY_HEADER]),
        'content-length': String(body.length),
        [FORWARDED_IDENTITY_HEADER]: Buffer.from(JSON.stringify({ tenant })).toString('base64'),
      },
      signal: AbortSignal.timeout(limitMs),
    });
    outgoing.once('error', (error) => {
      const timedOut = error.name === 'AbortError' || error.name === 'TimeoutError';
      reject(
        timedOut
          ? new PlatformError('HANDLER_TIMED_OUT', `The webhook was not answered within ${limitMs / 1000} s`)
          : error,
      );
    });
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
      answer.once('error', reject);
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
