import { PlatformError, statusOfCode } from '@verifywise/contracts';
import { answerError, success } from '@verifywise/service-kit';
import express, { type Request, type Response, type Router } from 'express';
import { NoSuchWebhookError, type Arrival, type Quota, type WebhookReply } from '../intake/accept-webhook.ts';
import { headersForPlugin, headersForSender } from '../intake/sender-headers.ts';
import { readBody } from './read-body.ts';

const PER_MINUTE = 60;

/** Where senders knock: `/api/plugins/:id/webhooks/:name`, with the endpoint token behind it or in the query. */
export function intakeRoutes(acceptWebhook: (arrival: Arrival) => Promise<WebhookReply>, bodyLimit: number): Router {
  const router = express.Router();
  router.all('/api/plugins/:id/webhooks/:name{/:token}', async (req, res) => {
    answer(res, await acceptWebhook(arrivalOf(req, bodyLimit)));
  });
  // What is no address at all is answered like an address that is nobody's.
  router.all('/api/plugins/:id/webhooks/*rest', () => {
    throw new NoSuchWebhookError();
  });
  return router;
}

function arrivalOf(req: Request, bodyLimit: number): Arrival {
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
    readBody: () => readBody(req, bodyLimit),
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
  tooLarge: statusOfCode.TOO_LARGE,
  limited: statusOfCode.RATE_LIMITED,
} as const;
