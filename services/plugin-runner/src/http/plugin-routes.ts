import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Identity, PartitionHolder } from '@verifywise/contracts';
import { PlatformError, partitionOf } from '@verifywise/contracts';
import type { BearerCheck, OpenApiRoute, PlainRoute, ServiceTokens } from '@verifywise/service-kit';
import { SERVICE_TOKEN_HEADER, pathOf } from '@verifywise/service-kit';
import type { Dispatcher } from 'undici';
import type { Hosting } from '../hosting/hosting.ts';
import { privatePath, wordOf } from '../isolate/private-http.ts';
import { pause } from '../pause.ts';
import { headersToPass } from './hop-headers.ts';
import { hasBody, passThrough } from './pass-through.ts';

export interface PluginRouteParts {
  hosting: Pick<Hosting, 'enabledPlugin'>;
  partitions: number;
  selfId: string;
  holds(partition: number): boolean;
  /** Who consumes the partition now; asking again after a move. */
  findHolder(partition: number, deadlineMs: number): Promise<PartitionHolder>;
  bearer: BearerCheck;
  tokens: ServiceTokens;
  /** Connections to the other runners. */
  runners: Dispatcher;
  /** What the platform serves itself below `/api/plugins`: it wins, and what it hides is reachable below `/_/` (contract §1). */
  platformsOwn: readonly OpenApiRoute[];
}

/** The plugin's id, and the two ways to say where its routes begin. */
const MOUNT = /^\/api\/plugins\/([^/?]+)(?:\/_(?=[/?]|$))?/i;
/** A runner that was killed is replaced within two seconds, a drained one at once. */
const FIND_WITHIN_MS = 8_000;
const FIND_AGAIN_MS = 100;
/** A question that was on its way to a runner as it was killed is answered by nobody; so it is asked again. */
const HOLDER_ANSWERS_WITHIN_MS = 1_000;
const NOBODY_ANSWERS: readonly string[] = ['ASK_TIMED_OUT', 'NO_RUNNER'];

/** Of the caller's headers these end here: they are the platform's, not the plugin's. */
const ENDS_HERE = new Set(['authorization', 'cookie', SERVICE_TOKEN_HEADER]);
/** Names of the platform's own; nobody outside says anything by them. */
const OURS = 'x-verifywise-';

/** `ANY /api/plugins/:id/*`: a plugin's own routes, served by the runner that holds its tenant, whichever runner was asked. */
export function pluginRoutes(parts: PluginRouteParts): PlainRoute {
  const own = parts.platformsOwn.map(takenBy);
  return {
    route: '/api/plugins/:id{/*path}',
    takes: (req) => MOUNT.test(req.url ?? '') && !own.some((takes) => takes(req)),
    serve: (req, res) => servePlugin(parts, req, res),
  };
}

/** Whether Express would give a request to this route. */
function takenBy({ method, path }: OpenApiRoute): (req: IncomingMessage) => boolean {
  const pattern = new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}/?$`, 'i');
  const methods = method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()];
  return (req) => methods.includes(req.method ?? '') && pattern.test(pathOf(req));
}

async function servePlugin(parts: PluginRouteParts, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const forwarded = req.headers[SERVICE_TOKEN_HEADER] !== undefined;
  const identity = forwarded
    ? (await parts.tokens.callerOf('plugin-runner', req, res)).user
    : await parts.bearer(req, res);
  if (!identity) throw new PlatformError('UNAUTHENTICATED', 'The forwarded request names no user');
  const partition = partitionOf(identity.tenant, parts.partitions);
  if (!forwarded) await serveWhereHeld(parts, req, res, identity, partition);
  else if (parts.holds(partition)) await serveHere(parts, req, res, identity);
  else throw movedError('NOT_THE_OWNER', partition);
}

/** A tenant that changes runners is found again, as long as nothing of the request has been used up. */
async function serveWhereHeld(
  parts: PluginRouteParts,
  req: IncomingMessage,
  res: ServerResponse,
  identity: Identity,
  partition: number,
): Promise<void> {
  const until = performance.now() + FIND_WITHIN_MS;
  for (;;) {
    try {
      if (parts.holds(partition)) await serveHere(parts, req, res, identity);
      else await forward(parts, req, res, identity, partition);
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
  req: IncomingMessage,
  res: ServerResponse,
  identity: Identity,
): Promise<void> {
  const url = req.url ?? '';
  const [mount = '', pluginId = ''] = MOUNT.exec(url) ?? [];
  const plugin = await hosting.enabledPlugin(identity.tenant, decoded(pluginId));
  const path = `/api/plugins/${plugin.pluginId}${url.slice(mount.length)}`;
  await plugin.calls.request(`${req.method} ${pathOf(req)}`, (door) =>
    passThrough(req, res, {
      client: door.client,
      path: privatePath(door, whoAsks(identity), path),
      headers: headersToPass(req.headers, travelsOn),
    }),
  );
}

async function forward(
  parts: PluginRouteParts,
  req: IncomingMessage,
  res: ServerResponse,
  identity: Identity,
  partition: number,
): Promise<void> {
  const { tokens, runners, selfId } = parts;
  const holder = await parts.findHolder(partition, HOLDER_ANSWERS_WITHIN_MS).catch((error: unknown) => {
    const nobody = error instanceof PlatformError && NOBODY_ANSWERS.includes(error.code);
    throw nobody ? movedError('NOT_THE_OWNER', partition) : error;
  });
  // It came here in the meantime, or has just left.
  if (holder.runnerId === selfId) throw movedError('NOT_THE_OWNER', partition);
  const token = await tokens.sign({ audience: 'plugin-runner', tenant: identity.tenant, user: identity });
  await passThrough(req, res, {
    client: runners,
    origin: new URL(holder.url).origin,
    path: req.url ?? '',
    headers: { ...headersToPass(req.headers, travelsOn), [SERVICE_TOKEN_HEADER]: token },
    refuse: (status) =>
      status === 421 ? new PlatformError('NOT_THE_OWNER', 'The tenant has moved to another runner') : undefined,
  });
}

function travelsOn(header: string): boolean {
  return !ENDS_HERE.has(header) && !header.startsWith(OURS);
}

/** The identities of users who are at work are the same objects again and again. */
const words = new WeakMap<Identity, string>();

function whoAsks(identity: Identity): string {
  const known = words.get(identity);
  if (known !== undefined) return known;
  const { tenant, userId, role } = identity;
  const word = wordOf({ tenant, userId, role });
  words.set(identity, word);
  return word;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new PlatformError('BAD_REQUEST', 'The path is not well encoded');
  }
}
