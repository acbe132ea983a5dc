import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { commonSettings, identitySettings, serviceKeySettings } from './groups.ts';
import { secretKeys } from './keys.ts';
import { readSettings, type Environment } from './read-settings.ts';

const services = { BROKER_URL: 'amqp://guest:guest@127.0.0.1:5672', DATABASE_URL: 'postgres://postgres@127.0.0.1/x' };
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const privateDer = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
const publicDer = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');

describe('groups of settings', () => {
  test('common settings have defaults for everything but the addresses', () => {
    expect(readSettings(services, { ...commonSettings })).toEqual({
      host: '127.0.0.1',
      logLevel: 'info',
      brokerUrl: services.BROKER_URL,
      databaseUrl: services.DATABASE_URL,
      partitions: 64,
      stopDeadlineMs: 25_000,
    });
  });

  test('identity comes from a JWKS or from a secret, and claims have their usual names', () => {
    const settings = readSettings({ JWKS_URL: 'http://127.0.0.1:4000/jwks.json' }, { ...identitySettings });
    expect(settings.jwksUrl).toBe('http://127.0.0.1:4000/jwks.json');
    expect(settings.jwtSecret).toBeUndefined();
    expect(settings).toMatchObject({ jwtClaimTenant: 'tenant', jwtClaimUser: 'sub', jwtClaimRole: 'role' });
    expect(readSettings({ JWT_SECRET: 'x'.repeat(32) }, { ...identitySettings }).jwksUrl).toBeUndefined();
  });

  test.each<[string, Environment]>([
    ['neither', {}],
    ['both', { JWKS_URL: 'http://127.0.0.1/jwks', JWT_SECRET: 'hush'.repeat(10) }],
    ['a short secret', { JWT_SECRET: 'hush' }],
  ])('%s is refused, without showing a secret', (_what, env) => {
    expect(() => readSettings(env, { ...identitySettings })).toThrow(/JWT_SECRET/);
    expect(() => readSettings(env, { ...identitySettings })).toThrow(/^((?!hush).)*$/);
  });

  test('service keys are read as they are made by openssl', () => {
    const env = {
      SERVICE_SIGNING_KEY: privateDer,
      SERVICE_TRUSTED_KEYS: `installer:${publicDer}, plugin-runner:${publicDer}`,
    };
    expect(readSettings(env, { ...serviceKeySettings })).toEqual({
      signingKey: privateDer,
      trustedKeys: [`installer:${publicDer}`, `plugin-runner:${publicDer}`],
    });
  });

  test('a key of another kind is refused, without showing it', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const der = rsa.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
    const read = () =>
      readSettings({ SERVICE_SIGNING_KEY: der, SERVICE_TRUSTED_KEYS: 'installer:abc' }, { ...serviceKeySettings });
    expect(read).toThrow(/SERVICE_SIGNING_KEY is not an Ed25519 private key/);
    expect(read).toThrow(/SERVICE_TRUSTED_KEYS has an entry \(number 1\)/);
    expect(read).not.toThrow(der.slice(0, 40));
  });

  test('secret keys have a name and 32 bytes; the first is the one to seal with', () => {
    const [first, second] = [randomBytes(32), randomBytes(32)];
    const raw = `k2:${first.toString('base64')},k1:${second.toString('base64')}`;
    expect(readSettings({ PLUGIN_SECRETS_KEY: raw }, { keys: secretKeys('PLUGIN_SECRETS_KEY') }).keys).toEqual([
      { kid: 'k2', key: first },
      { kid: 'k1', key: second },
    ]);
  });

  const sixteen = randomBytes(16).toString('base64');
  const good = randomBytes(32).toString('base64');
  test.each([
    ['is missing', ''],
    ['is not kid:base64', good],
    ['with 16 bytes instead of 32', `k1:${sixteen}`],
    ['has key k1 twice', `k1:${good},k1:${good}`],
  ])('a list of secret keys that %s is refused, without showing a key', (what, raw) => {
    const read = () => readSettings({ PLUGIN_SECRETS_KEY: raw }, { keys: secretKeys('PLUGIN_SECRETS_KEY') });
    expect(read).toThrow(what);
    expect(read).not.toThrow(sixteen);
    expect(read).not.toThrow(good);
  });
});
