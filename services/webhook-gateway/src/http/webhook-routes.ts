import { ADMIN_ROLE } from '@verifywise/contracts';
import { checked, identityOf, jsonBody, requireRole, success } from '@verifywise/service-kit';
import express, { type Request, type RequestHandler, type Router } from 'express';
import type { ManageWebhooks } from '../intake/manage-webhooks.ts';
import { maskedHeaders } from '../intake/sender-headers.ts';
import type { RequestSummary, WebhookRequest } from '../intake/webhook-request.ts';
import { webhookRoutesDescribed as described } from './openapi.ts';

export interface Guards {
  identity: RequestHandler;
  once: RequestHandler;
}

/** What admins do with webhooks. Reading needs the role too, because the URLs are what opens the door. */
export function webhookRoutes(webhooks: ManageWebhooks, { identity, once }: Guards): Router {
  const router = express.Router();
  const reading: RequestHandler[] = [identity, requireRole(ADMIN_ROLE)];
  const posting: RequestHandler[] = [...reading, jsonBody(), once];

  router.get(described.list.path, ...reading, checked(described.list), async (req, res) => {
    const { requests, ...rest } = await webhooks.list(identityOf(req).tenant, idOf(req));
    res.json(success({ ...rest, requests: requests.map(summaryOf) }));
  });
  router.get(described.requests.path, ...reading, checked(described.requests), async (req, res) => {
    const requests = await webhooks.requests(identityOf(req).tenant, idOf(req), Number(req.query.limit));
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
    res.json(
      success(await webhooks.rotate(identityOf(req).tenant, idOf(req), String(req.params.name), overlapSeconds)),
    );
  });
  return router;
}

function idOf(req: Request): string {
  return String(req.params.id);
}

function summaryOf(request: RequestSummary) {
  const {
    requestId,
    webhook,
    method,
    url,
    receivedAt,
    finishedAt,
    state,
    outcome,
    answerStatus,
    error,
    tookMs,
    replayOf,
  } = request;
  return {
    requestId,
    webhook,
    method,
    url,
    receivedAt,
    finishedAt,
    state,
    outcome,
    answerStatus,
    error,
    tookMs,
    replayOf,
  };
}

function detailsOf(request: WebhookRequest) {
  const { headers, body, answerHeaders, answerBody } = request;
  return {
    ...summaryOf(request),
    headers: maskedHeaders(headers),
    bodyBase64: body.toString('base64'),
    answerHeaders: answerHeaders && maskedHeaders(answerHeaders),
    answerBodyBase64: answerBody?.toString('base64') ?? null,
  };
}
