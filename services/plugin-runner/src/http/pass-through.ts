import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, RequestOptions } from 'node:http';
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
  /** Answers of this status reject with an error instead of being passed on. */
  refuse?: (status: number) => PlatformError | undefined;
}

/** Passes a request on and its answer back, streaming both ways; when the client goes away, so does the request behind. */
export async function passThrough(req: Request, res: Response, target: Target): Promise<void> {
  const outgoing = httpRequest(optionsFor(req, target));
  const gone = () => outgoing.destroy();
  res.once('close', gone);
  try {
    const answer = answerOf(outgoing);
    const sending = send(req, outgoing);
    const incoming = await answer.catch((error: unknown) => {
      throw connectionError(error);
    });
    const refused = target.refuse?.(incoming.statusCode ?? 0);
    if (refused) {
      incoming.resume();
      throw refused;
    }
    res.writeHead(incoming.statusCode ?? 502, headersToPass(incoming.headers));
    // A stream of events says nothing for a while, and its reader must know that it was opened.
    if (incoming.headers['content-length'] === undefined) res.flushHeaders();
    await passOn(incoming, res);
    await sending;
  } finally {
    res.removeListener('close', gone);
  }
}

/** Resolves when the client has all of the answer, or will get no more of it; cheaper than `pipeline`, which every answer would pay. */
function passOn(incoming: IncomingMessage, res: Response): Promise<void> {
  return new Promise((resolve) => {
    res.once('close', resolve);
    incoming.on('error', () => res.destroy());
    // Cut off in the middle, the answer must not look whole.
    incoming.once('close', () => {
      if (!incoming.complete) res.destroy();
    });
    incoming.pipe(res);
  });
}

/** Whether the request comes with a body; without one it can be sent again. */
export function hasBody(req: Request): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

function optionsFor(req: Request, { path, headers, socketPath, url }: Target): RequestOptions {
  // How a body of unknown length ends concerns this connection, so it is said anew: without it, it would end nowhere.
  const framed =
    req.headers['transfer-encoding'] === undefined ? headers : { ...headers, 'transfer-encoding': 'chunked' };
  return {
    method: req.method,
    path,
    headers: framed,
    timeout: SILENCE_LIMIT_MS,
    ...(socketPath === undefined ? {} : { socketPath }),
    ...(url ? { host: url.hostname, port: url.port } : {}),
  };
}

/** A client that goes away in the middle ends the request behind; what came of it, the answer tells. */
async function send(req: Request, outgoing: ClientRequest): Promise<void> {
  if (hasBody(req)) await pipeline(req, outgoing).catch(() => undefined);
  else outgoing.end();
}

function answerOf(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
    outgoing.once('timeout', () => {
      outgoing.destroy(new PlatformError('HANDLER_TIMED_OUT', 'The plugin did not answer in time'));
    });
  });
}

function connectionError(error: unknown): PlatformError {
  if (error instanceof PlatformError) return error;
  const message = 'The connection to the plugin ended before it had answered';
  return new PlatformError('UPSTREAM_FAILED', message, { cause: error });
}
