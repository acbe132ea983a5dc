import { ADMIN_ROLE, signatureSchemeOf } from '@verifywise/contracts';
import { checked, identityOf, jsonBody, requireRole, success } from '@verifywise/service-kit';
import express, { type Request, type RequestHandler, type Router } from 'express';
import type { Endpoint } from '../intake/endpoint.ts';
import type { ManageWebhooks } from '../intake/manage-webhooks.ts';
import { maskedHeaders } from '../intake/sender-headers.ts';
import type { RequestSummary, WebhookRequest } from '../intake/webhook-request.ts';
import type { WebhookSettings } from '../intake/webhook-settings.ts';
import { webhookRoutesDescribed as described } from './openapi.ts';

export interface Guards {
  identity: RequestHandler;
  once: RequestHandler;
}

/** What admins do with webhooks. Reading needs the role too, because the URLs are what opens the door. */
export function webhookRoutes(webhooks: ManageWebhooks, { identity, once }: Guards): Router {
  const router = express.Router();
  const reading: RequestHandler[] = [identity, requireRole(ADMIN_ROLE)];
  const writing: RequestHandler[] = [...reading, jsonBody()];
  const posting: RequestHandler[] = [...writing, once];

  router.get(described.list.path, ...reading, checked(described.list), async (req, res) => {
    const { requests, ...rest } = await webhooks.list(identityOf(req).tenant, idOf(req));
    res.json(success({ ...rest, requests: requests.map(summaryOf) }));
  });
  router.get(described.requests.path, ...reading, checked(described.requests), async (req, res) => {
    const { limit, before, webhook, outcome } = req.query as Record<string, string | undefined>;
    const requests = await webhooks.requests(identityOf(req).tenant, idOf(req), {
      limit: Number(limit),
      ...(before === undefined ? {} : { before: new Date(before) }),
      ...(webhook === undefined ? {} : { webhook }),
      ...(outcome === undefined ? {} : { outcome }),
    });
    res.json(success(requests.map(summaryOf)));
  });
  router.get(described.request.path, ...reading, checked(described.request), async (req, res) => {
    res.json(
      success(detailsOf(await webhooks.request(identityOf(req).tenant, idOf(req), String(req.params.requestId)))),
    );
  });
  router.post(described.replay.path, ...posting, checked(described.replay), async (req, res) => {
    const request = await webhooks.replay(identityOf(req).tenant, idOf(req), String(req.params.requestId));
    res.status(202).json(success({ requestId: request.requestId, replayOf: request.replayOf }));
  });
  router.post(described.rotate.path, ...posting, checked(described.rotate), async (req, res) => {
    const { overlapSeconds } = req.body as { overlapSeconds?: number };
    res.json(success(await webhooks.rotate(endpointOf(req), overlapSeconds)));
  });
  router.put(described.change.path, ...writing, checked(described.change), async (req, res) => {
    res.json(success(await webhooks.change(endpointOf(req), changeIn(req.body as ChangeBody))));
  });
  router.put(described.rateLimit.path, ...writing, checked(described.rateLimit), async (req, res) => {
    const { requestsPerMinute } = req.body as { requestsPerMinute: number | null };
    res.json(success(await webhooks.setRateLimit(identityOf(req).tenant, idOf(req), requestsPerMinute)));
  });
  return router;
}

interface ChangeBody {
  verify?: { scheme: string; secretConfigKey: string | string[] } | null;
  accounts?: string[];
}

function changeIn({ verify, accounts }: ChangeBody): Partial<WebhookSettings> {
  const scheme = signatureSchemeOf(verify?.scheme);
  return {
    ...(accounts === undefined ? {} : { accounts }),
    ...(verify === null ? { verify } : {}),
    ...(verify && scheme ? { verify: { scheme, secretKeys: [verify.secretConfigKey].flat() } } : {}),
  };
}

function endpointOf(req: Request): Endpoint {
  return { tenant: identityOf(req).tenant, pluginId: idOf(req), webhook: String(req.params.name) };
}

function idOf(req: Request): string {
  return String(req.params.id);
}

/** For lists; whose it is the asker knows, and when it is sent again is our own affair. */
function summaryOf(request: RequestSummary) {
  const { requestId, webhook, method, url, bodyBytes, receivedAt, finishedAt, state, deliveryId, replayOf } = request;
  const { outcome, answerStatus, error, tookMs } = request;
  return {
    ...{ requestId, webhook, method, url, bodyBytes, receivedAt, finishedAt, state, deliveryId, replayOf },
    ...{ outcome, answerStatus, error, tookMs },
  };
}

function detailsOf(request: WebhookRequest) {
  const { headers, body, answerHeaders, answerBody } = request;
  return {
    ...summaryOf(request),
    headers: maskedHeaders(headers),
    // A larger one is had by itself.
    bodyBase64: body?.toString('base64') ?? null,
    answerHeaders: answerHeaders && maskedHeaders(answerHeaders),
    answerBodyBase64: answerBody?.toString('base64') ?? null,
  };
}
