import { expect, test } from '@jest/globals';
import type { ConfigFields } from './config-values.ts';
import { joinConfig, splitConfig } from './config-secrets.ts';

const secret = { type: 'string', secret: true } as const;
const fields: ConfigFields = {
  apiKey: secret,
  name: { type: 'string' },
  proxy: {
    type: 'object',
    properties: { host: { type: 'string' }, auth: { type: 'object', properties: { password: secret } } },
  },
  accounts: { type: 'array', items: { type: 'object', properties: { url: { type: 'string' }, token: secret } } },
  tokens: { type: 'array', items: secret },
  open: { type: 'object' },
};

const whole = {
  apiKey: 's1',
  name: 'n',
  proxy: { host: 'h', auth: { password: 's2' } },
  accounts: [{ url: 'a', token: 's3' }, { url: 'b' }],
  tokens: ['s4', 's5'],
  open: { apiKey: 'not one of ours' },
};

test('secrets are found however deep they stand, and nothing of them stays behind', () => {
  const { values, secrets } = splitConfig(fields, whole);
  expect([...secrets]).toEqual([
    ['apiKey', 's1'],
    ['proxy/auth/password', 's2'],
    ['accounts/0/token', 's3'],
    ['tokens/0', 's4'],
    ['tokens/1', 's5'],
  ]);
  expect(values).toEqual({
    name: 'n',
    proxy: { host: 'h', auth: {} },
    accounts: [{ url: 'a' }, { url: 'b' }],
    tokens: [null, null],
    open: { apiKey: 'not one of ours' },
  });
  expect(JSON.stringify(values)).not.toMatch(/s[1-5]/);
  expect(joinConfig(values, secrets)).toEqual(whole);
});

test('a secret whose place is gone is left out, one whose object is empty finds it again', () => {
  const secrets = [
    ['proxy/auth/password', 's2'],
    ['accounts/4/token', 's3'],
    ['tokens/1', 's5'],
    ['name/first', 's6'],
  ] as const;
  expect(joinConfig({ accounts: [], tokens: [null], name: 'n' }, secrets)).toEqual({
    accounts: [],
    tokens: [null],
    name: 'n',
    proxy: { auth: { password: 's2' } },
  });
});

test('what is secret by its value is taken out although the field is not', () => {
  const kept = Symbol('kept');
  const { values, secrets } = splitConfig(fields, { name: kept, open: { inner: [kept] } }, (value) => value === kept);
  expect(values).toEqual({ open: { inner: [null] } });
  expect([...secrets.keys()]).toEqual(['name', 'open/inner/0']);
});
