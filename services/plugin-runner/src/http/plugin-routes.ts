import { Router } from 'express';
import type { Request, RequestHandler, Response } from 'express';
import type { Identity, PartitionHolder } from '@verifywise/contracts';
import { PlatformError, partitionOf } from '@verifywise/contracts';
import type { ServiceTokens } from '@verifywise/service-kit';
import { SERVICE_TOKEN_HEADER, identityOf, serviceIdentityOf } from '@verifywise/service-kit';
import { FORWARDED_IDENTITY_HEADER } from '../isolate/private-http.ts';
import type { Hosting } from '../hosting/hosting.ts';
import { headersToPass } from './hop-headers.ts';
import { passThrough } from './pass-through.ts';

export interface PluginRouteParts {
  hosting: Pick<Hosting, 'enabledPlugin'>;
  partitions: number;
  selfId: string;
  holds(partition: number): boolean;
  /** Who consumes the partition now; asking again after a move. */
  findHolder(partition: number): Promise<PartitionHolder>;
  identity: RequestHandler;
  tokens: ServiceTokens;
}

/** Of the caller's headers these end here: they are the platform's, not the plugin's. */
const ENDS_HERE = ['authorization', 'cookie', FORWARDED_IDENTITY_HEADER, SERVICE_TOKEN_HEADER];

/** `ANY /api/plugins/:id/*`: a plugin's own routes, served by the runner that holds its tenant, whichever runner was asked. */
export function pluginRoutes(parts: PluginRouteParts): Router {
  const router = Router();
  const fromService = parts.tokens.check('plugin-runner');
  const who: RequestHandler = (req, res, next) =>
    req.headers[SERVICE_TOKEN_HEADER] === undefined ? parts.identity(req, res, next) : fromService(req, res, next);

  router.all('/api/plugins/:id{/*path}', who, async (req: Request, res: Response) => {
    const forwarded = req.headers[SERVICE_TOKEN_HEADER] !== undefined;
    const identity = forwarded ? serviceIdentityOf(req).user : identityOf(req);
    if (!identity) throw new PlatformError('UNAUTHENTICATED', 'The forwarded request names no user');
    const pluginId = String(req.params.id);
    const partition = partitionOf(identity.tenant, parts.partitions);
    if (parts.holds(partition)) await serveHere(parts, req, res, identity, pluginId);
    else if (forwarded)
      throw new PlatformError('NOT_THE_OWNER', `This runner does not hold partition ${partition}; ask again`);
    else await forward(parts, req, res, identity, partition);
  });
  return router;
}

async function serveHere(
  { hosting }: PluginRouteParts,
  req: Request,
  res: Response,
  identity: Identity,
  pluginId: string,
) {
  const plugin = await hosting.enabledPlugin(identity.tenant, pluginId);
  const { tenant, userId, role } = identity;
  await passThrough(req, res, {
    socketPath: plugin.socketPath(),
    // What the platform's own paths hide of a plugin's routes is reachable below `/_/`.
    path: req.originalUrl.replace(`/api/plugins/${pluginId}/_/`, `/api/plugins/${pluginId}/`),
    headers: {
      ...headersToPass(req.headers, ENDS_HERE),
      [FORWARDED_IDENTITY_HEADER]: Buffer.from(JSON.stringify({ tenant, userId, role })).toString('base64'),
    },
  });
}

async function forward(parts: PluginRouteParts, req: Request, res: Response, identity: Identity, partition: number) {
  const holder = await parts.findHolder(partition);
  if (holder.runnerId === parts.selfId)
    throw new PlatformError('UNAVAILABLE', 'The tenant is changing runners; ask again');
  const token = await parts.tokens.sign({ audience: 'plugin-runner', tenant: identity.tenant, user: identity });
  await passThrough(req, res, {
    url: new URL(holder.url),
    path: req.originalUrl,
    headers: { ...headersToPass(req.headers, ENDS_HERE), [SERVICE_TOKEN_HEADER]: token },
    refuse: (status) =>
      status === 421 ? new PlatformError('UNAVAILABLE', 'The tenant is changing runners; ask again') : undefined,
  });
}
