import type { IncomingMessage, OutgoingHttpHeaders, RequestOptions } from 'node:http';
import { request as httpRequest } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import { PlatformError } from '@verifywise/contracts';
import { headersToPass } from './hop-headers.ts';

/** A plugin that says nothing for this long has not answered; streams may go on as long as something comes. */
const SILENCE_LIMIT_MS = 60_000;

export interface Target {
  socketPath?: string;
  url?: URL;
  path: string;
  headers: OutgoingHttpHeaders;
  /** Answers of this status reject with `code` instead of being passed on. */
  refuse?: (status: number) => PlatformError | undefined;
}

/** Passes a request on and its answer back, streaming both ways; when the client goes away, so does the request behind. */
export async function passThrough(req: Request, res: Response, target: Target): Promise<void> {
  const options: RequestOptions = {
    method: req.method,
    path: target.path,
    headers: target.headers,
    timeout: SILENCE_LIMIT_MS,
    ...(target.socketPath === undefined ? {} : { socketPath: target.socketPath }),
    ...(target.url ? { host: target.url.hostname, port: target.url.port } : {}),
  };
  const outgoing = httpRequest(options);
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
    outgoing.once('timeout', () => {
      outgoing.destroy(new PlatformError('HANDLER_TIMED_OUT', 'The plugin did not answer in time'));
    });
  });
  const gone = () => outgoing.destroy();
  res.once('close', gone);
  try {
    const sending = pipeline(req, outgoing).catch(() => undefined);
    const incoming = await answer.catch((error: unknown) => {
      throw connectionError(error);
    });
    const refused = target.refuse?.(incoming.statusCode ?? 0);
    if (refused) {
      incoming.resume();
      throw refused;
    }
    res.writeHead(incoming.statusCode ?? 502, headersToPass(incoming.headers));
    await pipeline(incoming, res).catch(() => res.destroy());
    await sending;
  } finally {
    res.removeListener('close', gone);
  }
}

function connectionError(error: unknown): PlatformError {
  if (error instanceof PlatformError) return error;
  return new PlatformError('UPSTREAM_FAILED', 'The connection to the plugin ended before it had answered', {
    cause: error,
  });
}
