import { PlatformError, statusOfCode } from '@verifywise/contracts';
import { answerError, success } from '@verifywise/service-kit';
import express, { type Request, type Response, type Router } from 'express';
import { NoSuchWebhookError, type Arrival, type WebhookReply } from '../intake/arrival.ts';
import type { Quota } from '../intake/quota.ts';
import { headersForPlugin, headersForSender } from '../intake/sender-headers.ts';
import { readBody } from './read-body.ts';

const PER_MINUTE = 60;

/** Where senders knock: `/api/plugins/:id/webhooks/:name`, with the endpoint token behind it or in the query. */
export function intakeRoutes(acceptWebhook: (arrival: Arrival) => Promise<WebhookReply>): Router {
  const router = express.Router();
  router.all('/api/plugins/:id/webhooks/:name{/:token}', async (req, res) => {
    try {
      answer(res, await acceptWebhook(arrivalOf(req)));
    } catch (error) {
      // What is missing; a bearer token would not help.
      if (isUnsigned(error)) res.set('www-authenticate', 'Signature');
      throw error;
    }
  });
  // What is no address at all is answered like an address that is nobody's.
  router.all('/api/plugins/:id/webhooks/*rest', () => {
    throw new NoSuchWebhookError();
  });
  return router;
}

function isUnsigned(error: unknown): boolean {
  return error instanceof PlatformError && error.code === 'SIGNATURE_INVALID';
}

function arrivalOf(req: Request): Arrival {
  const { pathname: _path, search } = splitUrl(req.originalUrl);
  const { id, name, token } = req.params as Record<string, string | undefined>;
  const inQuery = queryToken(search);
  return {
    pluginId: id ?? '',
    webhook: name ?? '',
    token: token ?? inQuery,
    host: req.headers.host,
    method: req.method,
    url: `/${token === undefined ? withoutToken(search) : search}`,
    headers: headersForPlugin(req.rawHeaders),
    body: (limit) => readBody(req, limit),
  };
}

function splitUrl(url: string): { pathname: string; search: string } {
  const at = url.indexOf('?');
  return at === -1 ? { pathname: url, search: '' } : { pathname: url.slice(0, at), search: url.slice(at) };
}

function queryToken(search: string): string | undefined {
  return new URLSearchParams(search).get('token') ?? undefined;
}

/** The rest of the query stays as it was written, because some senders sign it. */
function withoutToken(search: string): string {
  const kept = search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '' && pair.split('=')[0] !== 'token');
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
}

function answer(res: Response, reply: WebhookReply): void {
  if (reply.kind === 'not-allowed') {
    const allow = reply.allow.join(', ');
    res.set('allow', allow);
    throw new PlatformError('METHOD_NOT_ALLOWED', `This webhook takes ${allow}`, { details: { allow: reply.allow } });
  }
  setQuota(res, reply.quota);
  switch (reply.kind) {
    case 'answer':
      res.status(reply.answer.status).set(headersForSender(reply.answer.headers)).end(reply.answer.body);
      return;
    case 'accepted':
      res.status(202).json(success({ requestId: reply.requestId }));
      return;
    case 'failed':
      answerError(res, {
        code: reply.code,
        message: 'The plugin could not handle this webhook; it is kept and can be replayed',
        details: { requestId: reply.requestId },
      });
      return;
    case 'limited': {
      const { limit, resetSeconds } = reply.quota;
      throw new PlatformError(
        'RATE_LIMITED',
        `More than ${limit} requests in a minute; send again in ${resetSeconds} s`,
        {
          details: { retryAfterSeconds: resetSeconds },
        },
      );
    }
  }
}

function setQuota(res: Response, { limit, remaining, resetSeconds }: Quota): void {
  res.set({
    'RateLimit-Policy': `${limit};w=${PER_MINUTE}`,
    'RateLimit-Limit': String(limit),
    'RateLimit-Remaining': String(remaining),
    'RateLimit-Reset': String(resetSeconds),
  });
}

/** For openapi.json: what senders may get. */
export const SENDER_STATUSES = {
  accepted: 202,
  none: statusOfCode.WEBHOOK_NOT_FOUND,
  notAllowed: statusOfCode.METHOD_NOT_ALLOWED,
  unsigned: statusOfCode.SIGNATURE_INVALID,
  tooLarge: statusOfCode.TOO_LARGE,
  limited: statusOfCode.RATE_LIMITED,
} as const;
