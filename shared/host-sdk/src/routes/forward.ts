import type { IncomingMessage, Agent as HttpAgent, ClientRequest, ServerResponse } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ErrorCode } from '@verifywise/contracts';
import { statusOfCode } from '@verifywise/contracts';
import type { Log } from '../log.ts';
import { requestHeaders, responseHeaders } from './forwarded-headers.ts';
import type { UpstreamName } from './owner-of-path.ts';

export interface Upstream {
  name: UpstreamName;
  url: URL;
  agent: HttpAgent;
}

export interface ForwardLimits {
  /** Milliseconds from the last byte of the request to the first of the answer. */
  deadlineMs: number;
  /** Milliseconds without a byte in either direction after which the connection counts as dead. */
  idleMs: number;
}

/** What express leaves on a request, as far as a proxy needs it. */
export type ForwardedRequest = IncomingMessage & { originalUrl?: string; body?: unknown };

/**
 * Sends the request on and streams both ways: nothing is collected, back pressure reaches the sender, and whoever hangs up
 * ends the other side too. When the service cannot be reached the answer is the usual envelope.
 */
export function forward(
  req: ForwardedRequest,
  res: ServerResponse,
  upstream: Upstream,
  { limits, log }: { limits: ForwardLimits; log: Log },
): void {
  const parsedBody = bodyReadByOthers(req);
  attempt(true);

  function attempt(mayRepeat: boolean): void {
    const outgoing = open(req, res, upstream, limits, parsedBody);
    let answered = false;
    let failure: ErrorCode | undefined;
    let deadline: NodeJS.Timeout | undefined;
    const startDeadline = (): void => {
      deadline ??= setTimeout(() => giveUp('TIMED_OUT'), limits.deadlineMs);
      if (answered || outgoing.destroyed) clearTimeout(deadline);
    };
    const giveUp = (code: ErrorCode): void => {
      failure ??= code;
      outgoing.destroy(new Error(code));
    };
    const hungUp = (): void => {
      if (!res.writableFinished) outgoing.destroy();
    };
    res.once('close', hungUp);

    // The service may take its time over a slow upload, but not over an answer to what it has.
    outgoing.once('finish', startDeadline);
    outgoing.once('timeout', () => giveUp('TIMED_OUT'));
    outgoing.once('close', () => clearTimeout(deadline));
    outgoing.once('response', (answer) => {
      answered = true;
      clearTimeout(deadline);
      passOn(answer, res);
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(deadline);
      if (answered || res.destroyed) return;
      res.off('close', hungUp);
      // The service closed an idle connection in the moment in which we used it again.
      if (mayRepeat && outgoing.reusedSocket && error.code === 'ECONNRESET' && isRepeatable(req)) {
        attempt(false);
        return;
      }
      const code = failure ?? codeOf(error);
      log.warn({ err: error, service: upstream.name, code, url: pathOf(req) }, 'A request could not be forwarded');
      refuse(req, res, upstream.name, code);
    });

    if (parsedBody !== undefined) outgoing.end(parsedBody);
    else if (req.readableEnded || !hasBody(req)) outgoing.end();
    else req.pipe(outgoing);
  }
}

function open(
  req: ForwardedRequest,
  res: ServerResponse,
  { url, agent }: Upstream,
  limits: ForwardLimits,
  body: Buffer | undefined,
): ClientRequest {
  const headers = requestHeaders(req, headerText(res.getHeader('x-request-id')));
  if (body !== undefined) headers['content-length'] = body.length;
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return send({
    protocol: url.protocol,
    hostname: url.hostname,
    port: url.port,
    servername: url.hostname,
    path: url.pathname.replace(/\/$/, '') + (req.originalUrl ?? req.url ?? '/'),
    method: req.method,
    headers,
    agent,
    timeout: limits.idleMs,
  });
}

function passOn(answer: IncomingMessage, res: ServerResponse): void {
  res.writeHead(answer.statusCode ?? 502, answer.statusMessage, responseHeaders(answer.headers));
  // An event stream may have nothing to say for a while; its reader wants to know that it stands.
  res.flushHeaders();
  answer.pipe(res);
  // A cut answer must look cut to the client too, not complete.
  answer.once('error', () => res.destroy());
  answer.once('close', () => {
    if (!answer.complete) res.destroy();
  });
}

/** The body when a parser in front of us has already read it: its bytes are gone, its value can be written again. */
function bodyReadByOthers(req: ForwardedRequest): Buffer | undefined {
  if (!req.readableEnded || req.body === undefined) return undefined;
  if (Buffer.isBuffer(req.body)) return req.body;
  return Buffer.from(typeof req.body === 'string' ? req.body : JSON.stringify(req.body));
}

function hasBody(req: IncomingMessage): boolean {
  return req.headers['content-length'] !== undefined || req.headers['transfer-encoding'] !== undefined;
}

function isRepeatable(req: IncomingMessage): boolean {
  return (req.method === 'GET' || req.method === 'HEAD') && !hasBody(req);
}

const unreachable = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT']);

function codeOf(error: NodeJS.ErrnoException): ErrorCode {
  return unreachable.has(error.code ?? '') ? 'UNAVAILABLE' : 'UPSTREAM_FAILED';
}

const messages: Partial<Record<ErrorCode, (service: string) => string>> = {
  UNAVAILABLE: (service) => `The ${service} cannot be reached; try again in a moment`,
  UPSTREAM_FAILED: (service) => `The ${service} broke off before it answered`,
  TIMED_OUT: (service) => `The ${service} did not answer in time`,
};

function refuse(req: IncomingMessage, res: ServerResponse, service: string, code: ErrorCode): void {
  const message = messages[code]?.(service) ?? code;
  const text = JSON.stringify({ success: false, error: { code, message } });
  // What is left of the body is not read, so the connection cannot carry another request.
  if (!req.complete) res.setHeader('connection', 'close');
  if (code === 'UNAVAILABLE') res.setHeader('retry-after', '1');
  res.writeHead(statusOfCode[code], { 'content-type': 'application/json; charset=utf-8' });
  res.end(text);
}

function headerText(value: number | string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function pathOf(req: ForwardedRequest): string {
  return (req.originalUrl ?? req.url ?? '').split('?', 1)[0] ?? '';
}
