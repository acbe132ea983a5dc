import { isTenant, OPERATOR_ROLE, PlatformError, type Identity } from '@verifywise/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, RequestHandler } from 'express';
import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { remoteKeys } from './remote-keys.ts';
import { UnauthenticatedError } from './unauthenticated.ts';
import { VerifiedTokens } from './verified-tokens.ts';

/** How the platform's tokens are checked: by its JWKS or by a shared secret, one of the two. */
export interface IdentitySettings {
  jwksUrl?: string | undefined;
  jwtSecret?: string | undefined;
  jwtIssuer?: string | undefined;
  jwtAudience?: string | undefined;
  /** Names of the claims; `tenant`, `sub`, `role`, `email`, `name` unless said. */
  jwtClaimTenant?: string;
  jwtClaimUser?: string;
  jwtClaimRole?: string;
  jwtClaimEmail?: string;
  jwtClaimName?: string;
}

/** Clocks of two machines differ by about this much; more is a mistake somebody should see. */
const CLOCK_TOLERANCE_S = 5;

/** The lists have nothing in common, so a public key can never be taken for a shared secret. */
const PUBLIC_KEY_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const SHARED_SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'];

const identities = new WeakMap<object, Identity>();

/** Gives who makes a request, as its bearer token says. */
export type BearerCheck = (req: IncomingMessage, res: ServerResponse) => Promise<Identity>;

/** Verifies the bearer token of a request; 401 when there is none or it is not good, 503 when the keys cannot be had. */
export function bearerCheck(settings: IdentitySettings): BearerCheck {
  const verify = tokenVerifier(settings);
  return async (req, res) => {
    try {
      return await verify(bearerOf(req));
    } catch (error) {
      if (error instanceof PlatformError && error.code === 'UNAUTHENTICATED')
        res.setHeader('WWW-Authenticate', challengeFor(req, error));
      throw error;
    }
  };
}

/** The same for routers: what stands behind it finds the identity by `identityOf`. */
export function identityCheck(check: IdentitySettings | BearerCheck): RequestHandler {
  const identify = typeof check === 'function' ? check : bearerCheck(check);
  return async (req, res, next) => {
    identities.set(req, await identify(req, res));
    next();
  };
}

/** Who makes this request, as its token says. */
export function identityOf(req: Request): Identity {
  const identity = identities.get(req);
  // A route that forgot identityCheck is closed, not open.
  if (identity === undefined) throw new UnauthenticatedError('This needs a bearer token');
  return identity;
}

/** Lets through who has one of these roles; who operates the whole platform has every right of a tenant's role. */
export function requireRole(...roles: string[]): RequestHandler {
  return (req, _res, next) => {
    const { role } = identityOf(req);
    if (!roles.includes(role) && role !== OPERATOR_ROLE)
      throw new PlatformError('FORBIDDEN', `This needs the role ${roles.join(' or ')}`);
    next();
  };
}

/** A function that gives the identity of a token, or rejects with UNAUTHENTICATED or UNAVAILABLE. */
export function tokenVerifier(settings: IdentitySettings): (token: string) => Promise<Identity> {
  const { key, algorithms } = keyOf(settings);
  const options = {
    algorithms,
    clockTolerance: CLOCK_TOLERANCE_S,
    requiredClaims: ['exp'],
    ...(settings.jwtIssuer === undefined ? {} : { issuer: settings.jwtIssuer }),
    ...(settings.jwtAudience === undefined ? {} : { audience: settings.jwtAudience }),
  };
  const verified = new VerifiedTokens();
  return async (token) => {
    const known = verified.find(token);
    if (known !== undefined) return known;
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, key, options));
    } catch (error) {
      if (error instanceof PlatformError) throw error;
      throw new UnauthenticatedError(reasonOf(error), error);
    }
    const identity = Object.freeze(identityIn(payload, settings));
    verified.add(token, identity, ((payload.exp ?? 0) + CLOCK_TOLERANCE_S) * 1_000);
    return identity;
  };
}

function keyOf({ jwksUrl, jwtSecret }: IdentitySettings): { key: JWTVerifyGetKey; algorithms: string[] } {
  if ((jwksUrl === undefined) === (jwtSecret === undefined))
    throw new Error('Tokens are checked by JWKS_URL or by JWT_SECRET: set one of them');
  if (jwksUrl !== undefined) return { key: remoteKeys(jwksUrl), algorithms: PUBLIC_KEY_ALGORITHMS };
  const secret = new TextEncoder().encode(jwtSecret);
  return { key: () => secret, algorithms: SHARED_SECRET_ALGORITHMS };
}

function bearerOf(req: IncomingMessage): string {
  const header = req.headers.authorization;
  if (header === undefined) throw new UnauthenticatedError('This needs a bearer token');
  const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i.exec(header)?.[1];
  if (token === undefined) throw new UnauthenticatedError('The Authorization header is not a bearer token');
  return token;
}

function challengeFor(req: IncomingMessage, error: Error): string {
  if (req.headers.authorization === undefined) return 'Bearer realm="verifywise"';
  return `Bearer realm="verifywise", error="invalid_token", error_description="${error.message.replaceAll(/["\\]/g, '')}"`;
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `The token has no acceptable claim ${error.claim}`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'The signature of the token is wrong';
  if (error instanceof errors.JWKSNoMatchingKey) return 'The token is signed with a key the platform does not have';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'The token is signed with an algorithm that is not accepted';
  return 'The token cannot be read';
}

function identityIn(payload: JWTPayload, settings: IdentitySettings): Identity {
  const tenant = payload[settings.jwtClaimTenant ?? 'tenant'];
  if (!isTenant(tenant)) throw new UnauthenticatedError('The token names no tenant, or not in the shape of one');
  const userId = wordIn(payload, settings.jwtClaimUser ?? 'sub');
  if (userId === undefined) throw new UnauthenticatedError('The token names no user');
  const role = wordIn(payload, settings.jwtClaimRole ?? 'role');
  if (role === undefined) throw new UnauthenticatedError('The token names no role');
  const email = wordIn(payload, settings.jwtClaimEmail ?? 'email');
  const name = wordIn(payload, settings.jwtClaimName ?? 'name');
  return { tenant, userId, role, ...(email === undefined ? {} : { email }), ...(name === undefined ? {} : { name }) };
}

/** A claim as text; user ids are numbers in some platforms. */
function wordIn(payload: JWTPayload, claim: string): string | undefined {
  const value = payload[claim];
  if (typeof value === 'string' && value !== '') return value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : undefined;
}
