import { Router } from 'express';
import type { Request, RequestHandler, Response } from 'express';
import type { Identity, PartitionHolder } from '@verifywise/contracts';
import { PlatformError, partitionOf } from '@verifywise/contracts';
import type { ServiceTokens } from '@verifywise/service-kit';
import { SERVICE_TOKEN_HEADER, identityOf, serviceIdentityOf } from '@verifywise/service-kit';
import { PRIVATE_HEADERS, privateHeaders } from '../isolate/private-http.ts';
import type { Hosting } from '../hosting/hosting.ts';
import { headersToPass } from './hop-headers.ts';
import { hasBody, passThrough } from './pass-through.ts';
import { pause } from '../pause.ts';

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

/** Where a plugin's routes are mounted; what the platform's own paths hide of them is reachable below `/_/` as well. */
const MOUNT = /^\/api\/plugins\/[^/?]+(?:\/_(?=[/?]|$))?/i;
/** A runner that was killed is replaced within two seconds, a drained one at once. */
const FIND_WITHIN_MS = 8_000;
const FIND_AGAIN_MS = 100;

/** Of the caller's headers these end here: they are the platform's, not the plugin's. */
const ENDS_HERE = ['authorization', 'cookie', ...PRIVATE_HEADERS, SERVICE_TOKEN_HEADER];

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
    else if (forwarded) throw movedError('NOT_THE_OWNER', partition);
    else await serveWhereHeld(parts, req, res, identity, pluginId, partition);
  });
  return router;
}

/** A tenant that changes runners is found again, as long as nothing of the request has been used up. */
async function serveWhereHeld(
  parts: PluginRouteParts,
  req: Request,
  res: Response,
  identity: Identity,
  pluginId: string,
  partition: number,
): Promise<void> {
  const until = performance.now() + FIND_WITHIN_MS;
  for (;;) {
    try {
      const holder = await parts.findHolder(partition);
      if (holder.runnerId !== parts.selfId) await forward(parts, req, res, identity, holder);
      else if (parts.holds(partition)) await serveHere(parts, req, res, identity, pluginId);
      else throw movedError('NOT_THE_OWNER', partition);
      return;
    } catch (error) {
      const code = error instanceof PlatformError ? error.code : undefined;
      if (code !== 'NOT_THE_OWNER') throw error;
      const used = req.readableDidRead && hasBody(req);
      if (used || res.destroyed || performance.now() > until) throw movedError('UNAVAILABLE', partition);
      await pause(FIND_AGAIN_MS);
    }
  }
}

function movedError(code: 'NOT_THE_OWNER' | 'UNAVAILABLE', partition: number): PlatformError {
  return new PlatformError(code, `Partition ${partition} is changing runners; ask again`);
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
  await plugin.calls.request(`${req.method} ${req.path}`, (door) =>
    passThrough(req, res, {
      socketPath: door.socketPath,
      path: req.originalUrl.replace(MOUNT, `/api/plugins/${pluginId}`),
      headers: {
        ...headersToPass(req.headers, ENDS_HERE),
        ...privateHeaders(door, { tenant, userId, role }),
      },
    }),
  );
}

async function forward(
  { tokens }: PluginRouteParts,
  req: Request,
  res: Response,
  identity: Identity,
  holder: PartitionHolder,
) {
  const token = await tokens.sign({ audience: 'plugin-runner', tenant: identity.tenant, user: identity });
  await passThrough(req, res, {
    url: new URL(holder.url),
    path: req.originalUrl,
    headers: { ...headersToPass(req.headers, ENDS_HERE), [SERVICE_TOKEN_HEADER]: token },
    refuse: (status) =>
      status === 421 ? new PlatformError('NOT_THE_OWNER', 'The tenant has moved to another runner') : undefined,
  });
}
