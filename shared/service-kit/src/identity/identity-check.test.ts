import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import { exportJWK, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import type { HttpServer } from '../http/serve-http.ts';
import { success } from '../http/success.ts';
import { answerOf, otherServer, served } from '../testing/serving.ts';
import { identityCheck, identityOf, requireRole, tokenVerifier, type IdentitySettings } from './identity-check.ts';

const SECRET = 'a shared secret of more than 32 characters';
const ISSUER = 'https://platform.example';
const AUDIENCE = 'plugins';
const good = { tenant: 'acme', sub: '17', role: 'Admin', email: 'ada@acme.example', name: 'Ada' };

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const next = generateKeyPairSync('ed25519');

interface Signing {
  key: KeyObject | Uint8Array;
  alg: string;
  kid?: string;
}
const shared: Signing = { key: new TextEncoder().encode(SECRET), alg: 'HS256' };
const published: Signing = { key: rsa.privateKey, alg: 'RS256', kid: 'r1' };

function token(
  claims: JWTPayload,
  { key, alg, kid }: Signing = shared,
  expires: string | number = '5m',
): Promise<string> {
  return new SignJWT({ iss: ISSUER, aud: AUDIENCE, ...claims })
    .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
    .setExpirationTime(expires)
    .sign(key);
}

const bySecret: IdentitySettings = { jwtSecret: SECRET, jwtIssuer: ISSUER, jwtAudience: AUDIENCE };

function guarded(settings: IdentitySettings): Promise<HttpServer> {
  const router = express.Router();
  router.get('/open', (req, res) => void res.json(success(identityOf(req))));
  router.use(identityCheck(settings));
  router.get('/me', (req, res) => void res.json(success(identityOf(req))));
  router.get('/admin', requireRole('Admin'), (_req, res) => void res.json(success(true)));
  router.get('/operator', requireRole('Operator'), (_req, res) => void res.json(success(true)));
  return served({ routers: [router] });
}

const bearer = (value: string) => ({ headers: { authorization: `Bearer ${value}` } });

describe('identity by a shared secret', () => {
  let server: HttpServer;
  beforeAll(async () => {
    server = await guarded(bySecret);
  });
  afterAll(() => server.close());
  const me = (value: string) => answerOf(`${server.url}/me`, bearer(value));

  test('a good token says who it is', async () => {
    const answer = await me(await token(good));
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(
      success({ tenant: 'acme', userId: '17', role: 'Admin', email: 'ada@acme.example', name: 'Ada' }),
    );
  });

  test('no token is 401 and says what is wanted', async () => {
    const answer = await answerOf(`${server.url}/me`);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="verifywise"');
    expect(answer.body).toMatchObject({ success: false, error: { code: 'UNAUTHENTICATED' } });
  });

  test.each(['Basic abc', 'Bearer', 'Bearer a b', 'Bearer not-a-token', 'Bearer ..'])(
    'the header "%s" is 401',
    async (authorization) => {
      expect((await answerOf(`${server.url}/me`, { headers: { authorization } })).status).toBe(401);
    },
  );

  test.each<[string, () => Promise<string>]>([
    ['expired', () => token(good, shared, Math.floor(Date.now() / 1_000) - 60)],
    ['of another issuer', () => token({ ...good, iss: 'https://evil.example' })],
    ['for another audience', () => token({ ...good, aud: 'elsewhere' })],
    ['not valid yet', () => token({ ...good, nbf: Math.floor(Date.now() / 1_000) + 60 })],
    ['without a tenant', () => token({ ...good, tenant: undefined })],
    ['with a tenant of bad shape', () => token({ ...good, tenant: 'ac.me' })],
    ['with a list of tenants', () => token({ ...good, tenant: ['acme'] })],
    ['without a user', () => token({ ...good, sub: undefined } as unknown as JWTPayload)],
    ['without a role', () => token({ ...good, role: undefined })],
    ['with a list for a role', () => token({ ...good, role: ['Admin'] })],
    ['signed with another secret', () => token(good, { ...shared, key: Buffer.from('x'.repeat(32)) })],
    ['signed with a private key', () => token(good, published)],
    ['not signed', () => Promise.resolve(new UnsecuredJWT(good).setExpirationTime('5m').encode())],
    ['changed', async () => (await token(good)).replace(/\.[^.]+\./, `.${claimsOf({ ...good, tenant: 'globex' })}.`)],
    [
      'without an end',
      () => new SignJWT({ ...good, iss: ISSUER, aud: AUDIENCE }).setProtectedHeader({ alg: 'HS256' }).sign(shared.key),
    ],
  ])('a token %s is 401', async (_what, make) => {
    const value = await make();
    const answer = await me(value);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(
      /^Bearer realm="verifywise", error="invalid_token", error_description="/,
    );
    expect(JSON.stringify(answer.body)).not.toContain(value);
  });

  test('clocks may differ by a little', async () => {
    expect((await me(await token(good, shared, Math.floor(Date.now() / 1_000) - 2))).status).toBe(200);
  });

  test('a numeric user id is a text to us', async () => {
    const answer = await me(await token({ ...good, sub: 17 as unknown as string }));
    expect(answer.body).toMatchObject({ data: { userId: '17' } });
  });

  test.each([
    ['Viewer', '/admin', 403],
    ['Admin', '/admin', 200],
    ['Operator', '/admin', 200],
    ['Admin', '/operator', 403],
    ['Operator', '/operator', 200],
    ['admin', '/admin', 403],
  ])('a %s at %s is %i', async (role, path, status) => {
    expect((await answerOf(`${server.url}${path}`, bearer(await token({ ...good, role })))).status).toBe(status);
  });

  test('a route that forgot the check is closed', async () => {
    expect((await answerOf(`${server.url}/open`, bearer(await token(good)))).status).toBe(401);
  });

  test('claims may have other names', async () => {
    const verify = tokenVerifier({
      jwtSecret: SECRET,
      jwtClaimTenant: 'https://vw/tenant',
      jwtClaimUser: 'id',
      jwtClaimRole: 'roleName',
    });
    expect(await verify(await token({ 'https://vw/tenant': 'globex', id: 3, roleName: 'Editor' }))).toEqual({
      tenant: 'globex',
      userId: '3',
      role: 'Editor',
    });
  });

  test('neither or both ways to check is a mistake', () => {
    expect(() => identityCheck({})).toThrow('JWKS_URL or by JWT_SECRET');
    expect(() => identityCheck({ jwtSecret: SECRET, jwksUrl: 'http://127.0.0.1' })).toThrow('one of them');
  });
});

function claimsOf(claims: object): string {
  return Buffer.from(JSON.stringify({ iss: ISSUER, aud: AUDIENCE, exp: 4_000_000_000, ...claims })).toString(
    'base64url',
  );
}

describe('identity by JWKS', () => {
  const platform = { asked: 0, up: true, keys: [] as unknown[] };
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
  });

  async function verifierOf(keys: unknown[]): Promise<(value: string) => Promise<unknown>> {
    Object.assign(platform, { asked: 0, up: true, keys });
    const server = await otherServer((_req, res) => {
      platform.asked++;
      if (platform.up) res.end(JSON.stringify({ keys: platform.keys }));
      else res.writeHead(500).end();
    });
    open.push(server);
    return tokenVerifier({ jwksUrl: `${server.url}/jwks.json`, jwtIssuer: ISSUER, jwtAudience: AUDIENCE });
  }
  const jwk = async (key: KeyObject, kid: string, alg: string) => ({ ...(await exportJWK(key)), kid, alg, use: 'sig' });

  test('the keys are fetched once, also by many at the same time', async () => {
    const verify = await verifierOf([await jwk(rsa.publicKey, 'r1', 'RS256')]);
    const value = await token(good, published);
    await Promise.all(Array.from({ length: 10 }, () => verify(value)));
    expect(await verify(value)).toMatchObject({ tenant: 'acme', userId: '17' });
    expect(platform.asked).toBe(1);
  });

  test('the public key is never taken for a shared secret', async () => {
    const verify = await verifierOf([await jwk(rsa.publicKey, 'r1', 'RS256')]);
    const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString();
    const head = Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'r1' })).toString('base64url');
    const text = `${head}.${claimsOf(good)}`;
    const forged = `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`;
    await expect(verify(forged)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(platform.asked).toBe(0);
  });

  test('a key we do not know is 401, and floods of such tokens do not reach the platform', async () => {
    const verify = await verifierOf([await jwk(rsa.publicKey, 'r1', 'RS256')]);
    const stranger: Signing = { key: next.privateKey, alg: 'EdDSA', kid: 'unknown' };
    for (let time = 0; time < 5; time++)
      await expect(verify(await token(good, stranger))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(platform.asked).toBe(1);
  });

  test('a platform that cannot be reached is 503, not 401', async () => {
    const verify = await verifierOf([]);
    platform.up = false;
    await expect(verify(await token(good, published))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const nobody = tokenVerifier({ jwksUrl: 'http://127.0.0.1:1/jwks.json' });
    await expect(nobody(await token(good, published))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('over HTTP it is 503 in the usual envelope, without a challenge', async () => {
    const server = await guarded({ jwksUrl: 'http://127.0.0.1:1/jwks.json' });
    open.push(server);
    const answer = await answerOf(`${server.url}/me`, bearer(await token(good, published)));
    expect(answer.status).toBe(503);
    expect(answer.headers.get('www-authenticate')).toBeNull();
    expect(answer.body).toMatchObject({ error: { code: 'UNAVAILABLE' } });
  });

  test('an answer that is no key set is 503', async () => {
    const verify = await verifierOf('nonsense' as unknown as unknown[]);
    await expect(verify(await token(good, published))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
