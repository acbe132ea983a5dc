import { expect, test } from '@jest/globals';
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepKeys, makeKeys } from './platform-keys.ts';

const key = (base64: string) => ({ key: Buffer.from(base64, 'base64'), format: 'der' as const });

test('what a service signs is trusted by the key that stands beside its name', () => {
  const { signingKeys, trustedKeys } = makeKeys();
  const [, trusted = ''] = /(?:^|,)installer:([^,]+)/.exec(trustedKeys) ?? [];
  const words = Buffer.from('words');
  const signature = sign(null, words, createPrivateKey({ ...key(signingKeys.installer), type: 'pkcs8' }));
  expect(verify(null, words, createPublicKey({ ...key(trusted), type: 'spki' }), signature)).toBe(true);
});

test('keys are kept, for nobody but us to read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'verifywise-keys-'));
  const file = join(folder, 'keys.json');
  const made = keepKeys(file);
  expect(keepKeys(file)).toEqual(made);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  rmSync(folder, { recursive: true });
});
