import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import { SignJWT } from 'jose';
import type { HttpServer } from '../http/serve-http.ts';
import { success } from '../http/success.ts';
import { answerOf, served } from '../testing/serving.ts';
import { signingKeyOf } from './service-keys.ts';
import { SERVICE_TOKEN_HEADER, serviceIdentityOf, serviceTokens } from './service-tokens.ts';

function keyPair(): { signingKey: string; publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    signingKey: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  };
}

const [runnerKeys, installerKeys, nextRunnerKeys] = [keyPair(), keyPair(), keyPair()];
const trustedKeys = [
  `installer:${installerKeys.publicKey}`,
  `plugin-runner:${nextRunnerKeys.publicKey}`,
  `plugin-runner:${runnerKeys.publicKey}`,
];
const runner = serviceTokens({ service: 'plugin-runner', signingKey: runnerKeys.signingKey, trustedKeys });
const installer = serviceTokens({ service: 'installer', signingKey: installerKeys.signingKey, trustedKeys });
const refused = { code: 'UNAUTHENTICATED' };

describe('service tokens', () => {
  test('say which service calls, and on whose behalf', async () => {
    const user = { tenant: 'acme', userId: '17', role: 'Admin', name: 'Ada' };
    const token = await runner.sign({ audience: 'installer', tenant: 'acme', pluginId: 'slack', user });
    expect(await installer.verify(token, 'installer')).toEqual({
      service: 'plugin-runner',
      tenant: 'acme',
      pluginId: 'slack',
      user,
    });
    expect(await installer.verify(await runner.sign({ audience: 'installer' }), 'installer')).toEqual({
      service: 'plugin-runner',
    });
  });

  test('while a key changes, both are believed', async () => {
    const renewed = serviceTokens({ service: 'plugin-runner', signingKey: nextRunnerKeys.signingKey, trustedKeys });
    expect(await installer.verify(await renewed.sign({ audience: 'installer' }), 'installer')).toEqual({
      service: 'plugin-runner',
    });
  });

  test('are good for one audience', async () => {
    const token = await runner.sign({ audience: 'installer' });
    await expect(installer.verify(token, 'scheduler')).rejects.toMatchObject(refused);
  });

  test('of a service that is not trusted are refused', async () => {
    const stranger = serviceTokens({ service: 'stranger', signingKey: keyPair().signingKey, trustedKeys: [] });
    await expect(installer.verify(await stranger.sign({ audience: 'installer' }), 'installer')).rejects.toMatchObject(
      refused,
    );
  });

  test('of one service that calls itself another are refused', async () => {
    const liar = serviceTokens({ service: 'plugin-runner', signingKey: installerKeys.signingKey, trustedKeys: [] });
    await expect(installer.verify(await liar.sign({ audience: 'installer' }), 'installer')).rejects.toMatchObject(
      refused,
    );
  });

  test.each<[string, (token: SignJWT) => SignJWT]>([
    ['have expired', (token) => token.setIssuedAt(now() - 120).setExpirationTime(now() - 60)],
    ['live longer than a token may', (token) => token.setIssuedAt(now() - 120).setExpirationTime(now() + 3_600)],
    ['have no end', (token) => token.setIssuedAt()],
    ['have no beginning', (token) => token.setExpirationTime(now() + 30)],
  ])('that %s are refused', async (_what, dated) => {
    const token = await dated(
      new SignJWT({}).setProtectedHeader({ alg: 'EdDSA' }).setIssuer('plugin-runner').setAudience('installer'),
    ).sign(signingKeyOf(runnerKeys.signingKey));
    await expect(installer.verify(token, 'installer')).rejects.toMatchObject(refused);
  });

  test.each([
    ['tenant', { tenant: 'a.b' }],
    ['plugin', { pluginId: 7 }],
    ['user', { user: { tenant: 'acme' } }],
  ])('with a malformed %s are refused', async (_what, claims) => {
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA' })
      .setIssuer('plugin-runner')
      .setAudience('installer')
      .setIssuedAt()
      .setExpirationTime('60s')
      .sign(signingKeyOf(runnerKeys.signingKey));
    await expect(installer.verify(token, 'installer')).rejects.toMatchObject(refused);
  });

  test.each(['', 'nonsense', 'a.b.c'])('%j is no token', async (token) => {
    await expect(installer.verify(token, 'installer')).rejects.toMatchObject(refused);
  });

  test('keys that are none are noticed at start, without being shown', () => {
    const make = (options: object) => () =>
      serviceTokens({ service: 'installer', signingKey: installerKeys.signingKey, trustedKeys: [], ...options });
    expect(make({ signingKey: 'hush' })).toThrow(/^((?!hush).)*$/);
    expect(make({ trustedKeys: ['installer:hush'] })).toThrow(/^((?!hush).)*$/);
  });
});

describe('a door for services', () => {
  let server: HttpServer;
  beforeAll(async () => {
    const router = express.Router();
    router.get('/internal', installer.check('installer'), (req, res) => void res.json(success(serviceIdentityOf(req))));
    router.get('/forgotten', (req, res) => void res.json(success(serviceIdentityOf(req))));
    server = await served({ routers: [router] });
  });
  afterAll(() => server.close());

  test('opens to a good token', async () => {
    const headers = { [SERVICE_TOKEN_HEADER]: await runner.sign({ audience: 'installer', tenant: 'acme' }) };
    expect(await answerOf(`${server.url}/internal`, { headers })).toMatchObject({
      status: 200,
      body: success({ service: 'plugin-runner', tenant: 'acme' }),
    });
  });

  test.each([{}, { [SERVICE_TOKEN_HEADER]: 'nonsense' }, { authorization: 'Bearer a.b.c' }])(
    'stays shut to %j',
    async (headers) => {
      const answer = await answerOf(`${server.url}/internal`, { headers });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('ServiceToken');
    },
  );

  test('that forgot its check is shut', async () => {
    expect((await answerOf(`${server.url}/forgotten`)).status).toBe(401);
  });
});

function now(): number {
  return Math.floor(Date.now() / 1_000);
}
