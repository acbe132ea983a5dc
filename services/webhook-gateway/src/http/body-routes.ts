import { pipeline } from 'node:stream/promises';
import { ADMIN_ROLE, PlatformError } from '@verifywise/contracts';
import { checked, identityOf, requireRole, serviceIdentityOf, type ServiceTokens } from '@verifywise/service-kit';
import express, { type RequestHandler, type Response, type Router } from 'express';
import type { LargeBodies } from '../intake/large-bodies.ts';
import type { WebhookRequest } from '../intake/webhook-request.ts';
import { bodyRoutesDescribed as described } from './openapi-bodies.ts';

export interface BodyRoutesParts {
  find: (tenant: string, requestId: string) => Promise<WebhookRequest | undefined>;
  bodies: Pick<LargeBodies, 'read'>;
  tokens: Pick<ServiceTokens, 'check'>;
  identity: RequestHandler;
}

/** Bodies of stored requests, byte for byte as they came: to runners, and to admins who want to see one. */
export function bodyRoutes({ find, bodies, tokens, identity }: BodyRoutesParts): Router {
  const router = express.Router();
  const send = async (res: Response, tenant: string, requestId: string, pluginId?: string) => {
    const request = await find(tenant, requestId);
    if (request === undefined || (pluginId !== undefined && request.pluginId !== pluginId))
      throw new PlatformError(
        'REQUEST_NOT_FOUND',
        `There is no webhook request ${requestId}; requests are kept for seven days`,
      );
    // Never what the sender calls it: it is a stranger's, and shown under our own address.
    res.set({ 'content-type': 'application/octet-stream', 'content-length': String(request.bodyBytes) });
    res.set('content-disposition', `attachment; filename="${requestId}"`);
    if (request.body === null) await pipeline(bodies.read(requestId), res);
    else res.end(request.body);
  };
  router.get(described.forRunner.path, tokens.check('webhook-gateway'), async (req, res) => {
    const { tenant } = serviceIdentityOf(req);
    if (tenant === undefined) throw new PlatformError('FORBIDDEN', 'The service token names no tenant');
    await send(res, tenant, String(req.params.requestId));
  });
  const { forAdmin } = described;
  router.get(forAdmin.path, identity, requireRole(ADMIN_ROLE), checked(forAdmin), async (req, res) => {
    await send(res, identityOf(req).tenant, String(req.params.requestId), String(req.params.id));
  });
  return router;
}
