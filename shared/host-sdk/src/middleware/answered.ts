import type { HostResponse, MiddlewareOutcome } from '@verifywise/contracts';
import type { Log } from '../log.ts';
import { bytesOfBody, changeHead, fitBody, mayHaveNoBody } from './answer-exchange.ts';
import { tagMaker } from './conditions.ts';
import type { HeldAnswer } from './hold-answer.ts';
import type { HostIncoming, HostOutgoing } from './host-exchange.ts';
import { isJsonType } from './host-exchange.ts';

/** The route's answer on its way out, with what plugins were asked about it. */
export interface Leaving {
  req: HostIncoming;
  res: HostOutgoing;
  held: HeldAnswer;
  asked: HostResponse;
}

/** Sends the answer as plugins have left it. What they did not change leaves byte for byte. */
export function sendChanged(leaving: Leaving, outcome: MiddlewareOutcome, log: Log): void {
  const { req, res, held, asked } = leaving;
  const { kind, response = asked } = outcome;
  const makeTag = held.bytes && tagMaker(res, held.bytes);
  for (const error of changeHead(res, response, asked)) {
    log.warn({ err: error, url: req.originalUrl }, 'A header that a plugin has set cannot be sent');
  }
  if (kind === 'continue' && !isChanged(response, asked)) {
    sendAsItIs(leaving);
    return;
  }
  const bytes = bytesOfBody(response);
  fitBody(res, bytes);
  if (makeTag !== undefined && bytes !== undefined) res.setHeader('etag', makeTag(bytes));
  if (kind === 'respond' && makeTag === undefined) res.removeHeader('etag');
  if (makeTag !== undefined && req.fresh === true) sendNotModified(leaving);
  else held.sendInstead(bytes);
}

/** Sends what the route has given. */
export function sendAsItIs({ req, res, held }: Omit<Leaving, 'asked'>): void {
  if (req.method === 'HEAD' && isJsonType(res.getHeader('content-type'))) {
    // A read of the same may be changed, and would have another length and another tag.
    res.removeHeader('content-length');
    res.removeHeader('etag');
  }
  if (mayHaveNoBody(res.statusCode) && held.bytes !== undefined) {
    fitBody(res, undefined);
    held.sendInstead(undefined);
  } else if (req.method === 'GET' && req.fresh === true) sendNotModified({ res, held });
  else held.send();
}

/** Sends an answer of somebody else in place of the route's. */
export function sendInstead(res: HostOutgoing, held: HeldAnswer, response: HostResponse): void {
  res.removeHeader('etag');
  changeHead(res, response);
  const bytes = bytesOfBody(response);
  fitBody(res, bytes);
  held.sendInstead(bytes);
}

function isChanged(response: HostResponse, asked: HostResponse): boolean {
  if (!('body' in asked) || !('body' in response)) return false;
  return JSON.stringify(response.body) !== JSON.stringify(asked.body);
}

function sendNotModified({ res, held }: Pick<Leaving, 'res' | 'held'>): void {
  res.statusCode = 304;
  res.statusMessage = '';
  for (const name of ['content-type', 'content-length', 'transfer-encoding']) res.removeHeader(name);
  held.sendInstead(undefined);
}
