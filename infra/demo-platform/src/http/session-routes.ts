import type { Identity } from '@verifywise/contracts';
import { ADMIN_ROLE, OPERATOR_ROLE, PlatformError } from '@verifywise/contracts';
import { checked, jsonBody, requestIdOf, route, success } from '@verifywise/service-kit';
import { Router } from 'express';
import type { Pool } from 'pg';
import type { Actor, EntityChanges } from '../changes/change-entity.ts';
import { occurred } from '../entities/entity.ts';
import { users } from '../entities/users.ts';
import { actorOf, bearerCheck, VIEWER_ROLE } from '../identity/bearer.ts';
import type { TokenKeys } from '../identity/token-keys.ts';
import type { Tokens } from '../identity/tokens.ts';
import { TOKEN_LIFE_SECONDS } from '../identity/tokens.ts';
import { entityStore } from '../store/entity-store.ts';
import { findDemoUser, seedTenant } from '../store/seed.ts';
import { inTransaction } from '../store/transaction.ts';

const tenantSchema = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' };
const tokenAnswer = {
  description: 'A bearer token and its life in seconds',
  data: {
    type: 'object',
    required: ['token', 'expiresIn'],
    properties: { token: { type: 'string' }, expiresIn: { type: 'integer' } },
  },
};

export const demoToken = route({
  method: 'post',
  path: '/demo/token',
  summary: 'A token for anybody of any tenant, without a password: for demonstrations and tests only',
  role: 'none',
  body: {
    type: 'object',
    additionalProperties: false,
    required: ['tenant'],
    properties: {
      tenant: tenantSchema,
      role: { enum: [ADMIN_ROLE, VIEWER_ROLE, OPERATOR_ROLE] },
      userId: { type: ['integer', 'string'], minimum: 1, pattern: '^[0-9]{1,9}$' },
      name: { type: 'string', minLength: 1, maxLength: 200 },
    },
  },
  answers: { 200: tokenAnswer },
});

export const login = route({
  method: 'post',
  path: '/api/login',
  summary: 'Logs a user in by e-mail alone, as this is a demonstration, and tells the plugins',
  role: 'none',
  body: {
    type: 'object',
    additionalProperties: false,
    required: ['tenant', 'email'],
    properties: { tenant: tenantSchema, email: { type: 'string', minLength: 3, maxLength: 200 } },
  },
  answers: { 200: tokenAnswer },
});

export const logout = route({
  method: 'post',
  path: '/api/logout',
  summary: 'Tells the plugins that the user leaves; the token ends by itself',
  role: 'any',
  answers: { 204: 'Done' },
});

export interface SessionRoutesNeeds {
  pool: Pool;
  tokens: Tokens;
  keys: TokenKeys;
  changes: EntityChanges;
}

export function sessionRoutes({ pool, tokens, keys, changes }: SessionRoutesNeeds): Router {
  const router = Router();
  router.get('/.well-known/jwks.json', (_req, res) => {
    res.set('Cache-Control', 'public, max-age=300').json({ keys: [keys.publicJwk] });
  });

  router.post(demoToken.path, jsonBody(), checked({ body: demoToken.body }), async (req, res) => {
    const wanted = req.body as { tenant: string; role?: string; userId?: number | string; name?: string };
    const { tenant, role, userId, name } = wanted;
    await seedTenant(pool, tenant);
    const user = await inTransaction(pool, (query) =>
      findDemoUser(query, tenant, {
        ...(userId === undefined ? {} : { userId: Number(userId) }),
        ...(role === undefined ? {} : { role }),
      }),
    );
    const identity: Identity = {
      tenant,
      userId: String(userId ?? user?.id ?? 1),
      role: role ?? user?.role ?? 'Admin',
      name: name ?? user?.name ?? `User ${String(userId)} of ${tenant}`,
      ...(user === undefined ? {} : { email: user.email }),
    };
    res.json(success({ token: await tokens.sign(identity), expiresIn: TOKEN_LIFE_SECONDS }));
  });

  router.post(login.path, jsonBody(), checked({ body: login.body }), async (req, res) => {
    const { tenant, email } = req.body as { tenant: string; email: string };
    const found = await inTransaction(pool, async (query) => {
      const user = await findDemoUser(query, tenant, { email });
      return user === undefined ? undefined : { user, row: await entityStore(query, users).find(tenant, user.id) };
    });
    if (found === undefined) throw new PlatformError('UNAUTHENTICATED', 'There is no such user');
    const { user, row } = found;
    const { id, name, role } = user;
    const actor: Actor = { tenant, triggeredBy: { userId: id, email, name }, correlationId: requestIdOf(req) };
    await changes.tell(actor, occurred('user:login', { userId: id, user: row }));
    const token = await tokens.sign({ tenant, userId: String(id), role, email, name });
    res.json(success({ token, expiresIn: TOKEN_LIFE_SECONDS, user: row }));
  });

  router.post(logout.path, bearerCheck(tokens), async (req, res) => {
    const actor = actorOf(req);
    await changes.tell(actor, occurred('user:logout', { userId: actor.triggeredBy.userId }));
    res.status(204).end();
  });
  return router;
}
