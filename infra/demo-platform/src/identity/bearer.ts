import { PlatformError } from '@verifywise/contracts';
import type { Identity } from '@verifywise/contracts';
import { triggeredBy } from '@verifywise/plugin-host';
import { requestIdOf } from '@verifywise/service-kit';
import type { Request, RequestHandler } from 'express';
import type { Actor } from '../changes/change-entity.ts';
import type { Tokens } from './tokens.ts';

const identities = new WeakMap<object, Identity>();

/** Who reads only. */
export const VIEWER_ROLE = 'Viewer';

/** Lets requests with a good token through and remembers who makes them. */
export function bearerCheck(tokens: Tokens): RequestHandler {
  return async (req, _res, next) => {
    const token = /^Bearer +(\S+)$/i.exec(req.get('authorization') ?? '')?.[1];
    if (token === undefined) throw new PlatformError('UNAUTHENTICATED', 'This needs a bearer token: POST /demo/token');
    identities.set(req, await tokens.verify(token));
    next();
  };
}

export const mayWrite: RequestHandler = (req, _res, next) => {
  if (identityOf(req).role === VIEWER_ROLE) throw new PlatformError('FORBIDDEN', 'A Viewer may read, not write');
  next();
};

export function identityOf(req: Request): Identity {
  const identity = identities.get(req);
  // A route that forgot bearerCheck is closed, not open.
  if (identity === undefined) throw new PlatformError('UNAUTHENTICATED', 'This needs a bearer token');
  return identity;
}

/** Who makes a change, as its events will say. */
export function actorOf(req: Request): Actor {
  const { tenant, userId, email, name } = identityOf(req);
  const user = { id: userId, ...(email === undefined ? {} : { email }), ...(name === undefined ? {} : { name }) };
  return { tenant, triggeredBy: triggeredBy({ user }), correlationId: requestIdOf(req) };
}
