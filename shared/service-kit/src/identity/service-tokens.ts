import { isTenant, type Identity, type ServiceIdentity } from '@verifywise/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, RequestHandler } from 'express';
import { decodeJwt, errors, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import { parseTrustedKey, signingKeyOf, type TrustedKey } from './service-keys.ts';
import { UnauthenticatedError } from './unauthenticated.ts';

/** The header between services; Authorization stays the user's. */
export const SERVICE_TOKEN_HEADER = 'x-service-token';

/** A token is made for one request, so it need not live longer than the slowest way there. */
const LIFE_S = 60;
const CLOCK_TOLERANCE_S = 5;

export interface ServiceTokenOptions {
  /** The name of this service: who signs. */
  service: string;
  /** Base64 of the Ed25519 private key, PKCS8 DER. */
  signingKey: string;
  /** `service:base64-SPKI-DER` of everyone who is believed; a service may be listed twice while its key changes. */
  trustedKeys: readonly string[];
}

export interface ServiceClaims {
  /** The service that is called. */
  audience: string;
  tenant?: string;
  pluginId?: string;
  /** The user a request is forwarded for. */
  user?: Identity;
}

export interface ServiceTokens {
  /** A token for one call, good for 60 s. */
  sign(claims: ServiceClaims): Promise<string>;
  /** Lets through requests with a good `x-service-token` for this audience; 401 otherwise. */
  check(audience: string): RequestHandler;
  /** The same without a router: who makes the request. */
  callerOf(audience: string, req: IncomingMessage, res: ServerResponse): Promise<ServiceIdentity>;
  /** Who calls, or UNAUTHENTICATED. */
  verify(token: string, audience: string): Promise<ServiceIdentity>;
}

const identities = new WeakMap<object, ServiceIdentity>();

/** Which service makes this request, and on whose behalf. */
export function serviceIdentityOf(req: Request): ServiceIdentity {
  const identity = identities.get(req);
  if (identity === undefined) throw new UnauthenticatedError('This needs a service token');
  return identity;
}

/** Tokens between services: EdDSA, one audience, 60 s. Throws at once when a key is malformed. */
export function serviceTokens(options: ServiceTokenOptions): ServiceTokens {
  const privateKey = signingKeyOf(options.signingKey);
  const trusted = options.trustedKeys.map((entry) => {
    const parsed = parseTrustedKey(entry);
    if (parsed === undefined)
      throw new Error('A trusted key is not service:key with an Ed25519 public key (SPKI DER in base64)');
    return parsed;
  });

  const verify = async (token: string, audience: string): Promise<ServiceIdentity> => {
    const candidates = trusted.filter(({ service }) => service === issuerOf(token));
    for (const candidate of candidates) {
      const payload = await payloadSignedBy(candidate, token, audience);
      if (payload !== undefined) return serviceIdentityIn(candidate.service, payload);
    }
    throw new UnauthenticatedError('The service token is not signed by a service that is trusted here');
  };

  const callerOf: ServiceTokens['callerOf'] = async (audience, req, res) => {
    try {
      const token = req.headers[SERVICE_TOKEN_HEADER];
      if (typeof token !== 'string') throw new UnauthenticatedError('This needs a service token');
      return await verify(token, audience);
    } catch (error) {
      res.setHeader('WWW-Authenticate', 'ServiceToken');
      throw error;
    }
  };

  return {
    sign({ audience, tenant, pluginId, user }) {
      return new SignJWT({
        ...(tenant === undefined ? {} : { tenant }),
        ...(pluginId === undefined ? {} : { pluginId }),
        ...(user === undefined ? {} : { user: { ...user } }),
      })
        .setProtectedHeader({ alg: 'EdDSA' })
        .setIssuer(options.service)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(`${LIFE_S}s`)
        .sign(privateKey);
    },
    check(audience) {
      return async (req, res, next) => {
        identities.set(req, await callerOf(audience, req, res));
        next();
      };
    },
    callerOf,
    verify,
  };
}

/** Who a token says has signed it; only a hint which key to try. */
function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch (error) {
    throw new UnauthenticatedError('The service token cannot be read', error);
  }
}

async function payloadSignedBy(trusted: TrustedKey, token: string, audience: string): Promise<JWTPayload | undefined> {
  try {
    const { payload } = await jwtVerify(token, trusted.key, {
      algorithms: ['EdDSA', 'Ed25519'],
      issuer: trusted.service,
      audience,
      clockTolerance: CLOCK_TOLERANCE_S,
      maxTokenAge: LIFE_S,
      requiredClaims: ['exp'],
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return undefined;
    const expired = error instanceof errors.JWTExpired;
    throw new UnauthenticatedError(
      expired ? 'The service token has expired' : 'The service token is not for here',
      error,
    );
  }
}

function serviceIdentityIn(service: string, { tenant, pluginId, user }: JWTPayload): ServiceIdentity {
  if (tenant !== undefined && !isTenant(tenant))
    throw new UnauthenticatedError('The service token has a malformed tenant');
  if (pluginId !== undefined && typeof pluginId !== 'string')
    throw new UnauthenticatedError('The service token has a malformed plugin');
  if (user !== undefined && !isIdentity(user)) throw new UnauthenticatedError('The service token has a malformed user');
  return {
    service,
    ...(tenant === undefined ? {} : { tenant }),
    ...(pluginId === undefined ? {} : { pluginId }),
    ...(user === undefined ? {} : { user }),
  };
}

function isIdentity(value: unknown): value is Identity {
  if (typeof value !== 'object' || value === null) return false;
  const { tenant, userId, role } = value as Record<string, unknown>;
  return isTenant(tenant) && typeof userId === 'string' && typeof role === 'string';
}
