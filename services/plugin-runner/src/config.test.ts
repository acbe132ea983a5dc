import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { readConfig } from './config.ts';

const keys = generateKeyPairSync('ed25519');
const complete = {
  BROKER_URL: 'amqp://guest:guest@127.0.0.1:5672',
  DATABASE_URL: 'postgres://postgres@127.0.0.1/x',
  INSTALLER_URL: 'http://127.0.0.1:4002',
  JWT_SECRET: 'x'.repeat(32),
  SERVICE_SIGNING_KEY: keys.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
  SERVICE_TRUSTED_KEYS: `installer:${keys.publicKey.export({ format: 'der', type: 'spki' }).toString('base64')}`,
  PLUGIN_SECRETS_KEY: `k1:${Buffer.alloc(32, 1).toString('base64')}`,
};

test('plugins reach nothing beyond the internet and no folder of the machine unless the operator says so', () => {
  expect(readConfig(complete)).toMatchObject({ egressAllowed: [], readableFolders: [] });
  const said = { PLUGIN_EGRESS_ALLOW: 'db.internal:5432, 10.0.0.0/8', PLUGIN_READABLE_FOLDERS: '/srv/a,/srv/b' };
  expect(readConfig({ ...complete, ...said })).toMatchObject({
    egressAllowed: ['db.internal:5432', '10.0.0.0/8'],
    readableFolders: ['/srv/a', '/srv/b'],
  });
});

test.each([
  ['PLUGIN_EGRESS_ALLOW', '10.0.0.0/40'],
  ['PLUGIN_EGRESS_ALLOW', 'http://db.internal'],
  ['PLUGIN_READABLE_FOLDERS', 'shared'],
])('a wrong entry of %s is found at the start: %s', (name, value) => {
  expect(() => readConfig({ ...complete, [name]: value })).toThrow(new RegExp(`${name}: "${value}"`));
});
