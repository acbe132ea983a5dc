import { describe, expect, test } from '@jest/globals';
import type { ConfigFields } from '@verifywise/contracts';
import { withChanges } from './given-values.ts';
import { storedValues } from './sealed-config.ts';
import { SECRET_MASK } from './secret-mask.ts';

const secret = { type: 'string', secret: true } as const;
const text = { type: 'string' } as const;
const fields: ConfigFields = {
  apiKey: secret,
  limit: { type: 'number' },
  proxy: {
    type: 'object',
    properties: { host: text, auth: { type: 'object', properties: { user: text, password: secret } } },
  },
  accounts: { type: 'array', items: { type: 'object', properties: { url: text, token: secret } } },
  tokens: { type: 'array', items: secret },
  headers: { type: 'object' },
};

const stored = storedValues({
  values: {
    limit: 5,
    proxy: { host: 'a', auth: { user: 'u' } },
    accounts: [{ url: 'a' }, { url: 'b' }],
    tokens: [null, null],
    headers: { x: '1' },
  },
  secrets: {
    apiKey: 'KEY',
    'proxy/auth/password': 'PASSWORD',
    'accounts/0/token': 'TOKEN-A',
    'accounts/1/token': 'TOKEN-B',
    'tokens/0': 'T0',
    'tokens/1': 'T1',
  },
});

/** With every stored secret as what seals it, to read. */
function after(changes: Record<string, unknown>): Record<string, unknown> {
  const { values, unclear } = withChanges(fields, stored, changes);
  const shown = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shown);
    if (typeof value !== 'object' || value === null) return value;
    if ('sealed' in value) return value.sealed;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shown(inner)]));
  };
  return { ...(shown(values) as Record<string, unknown>), unclear };
}

test('what is absent stays, null clears, anything else takes the place of what was', () => {
  expect(after({})).toMatchObject({ apiKey: 'KEY', limit: 5, headers: { x: '1' }, unclear: [] });
  expect(after({ limit: 7, headers: { y: '2' } })).toMatchObject({ limit: 7, headers: { y: '2' } });
  const cleared = after({ limit: null, apiKey: null, proxy: null });
  expect(Object.keys(cleared)).toEqual(['accounts', 'tokens', 'headers', 'unclear']);
});

test.each(['', SECRET_MASK, undefined])('a secret given as %j stays', (kept) => {
  expect(after({ apiKey: kept }).apiKey).toBe('KEY');
  expect(after({ proxy: { host: 'b', auth: { user: 'v', password: kept } } }).proxy).toEqual({
    host: 'b',
    auth: { user: 'v', password: 'PASSWORD' },
  });
});

test('an object takes the place of the one before, but for the secrets in it', () => {
  expect(after({ proxy: { host: 'b' } }).proxy).toEqual({ host: 'b', auth: { password: 'PASSWORD' } });
  expect(after({ proxy: {} }).proxy).toEqual({ auth: { password: 'PASSWORD' } });
  expect(after({ proxy: { auth: { password: null } } }).proxy).toEqual({ auth: {} });
  expect(after({ proxy: { auth: null } }).proxy).toEqual({});
  expect(after({ proxy: { auth: { password: 'new' } } }).proxy).toEqual({ auth: { password: 'new' } });
});

test('what does not fit comes through as it is, to be told of', () => {
  expect(after({ proxy: 7, accounts: 'x', apiKey: 5, nobody: 1 })).toMatchObject({
    ...{ proxy: 7, accounts: 'x', apiKey: 5, nobody: 1 },
  });
  expect(after({ proxy: { host: 'b', nobody: 1 } }).proxy).toMatchObject({ nobody: 1 });
});

describe('secrets in a list stay with the item they belong to', () => {
  const masked = (url: string) => ({ url, token: SECRET_MASK });
  test.each([
    ['as it was', [masked('a'), masked('b')], ['TOKEN-A', 'TOKEN-B']],
    ['without tokens', [{ url: 'a' }, { url: 'b' }], ['TOKEN-A', 'TOKEN-B']],
    ['turned round', [masked('b'), masked('a')], ['TOKEN-B', 'TOKEN-A']],
    ['the first removed', [masked('b')], ['TOKEN-B']],
    ['one added in front', [{ url: 'c', token: 'new' }, masked('a'), masked('b')], ['new', 'TOKEN-A', 'TOKEN-B']],
    ['one edited in place', [masked('a'), masked('changed')], ['TOKEN-A', 'TOKEN-B']],
    ['one edited, the other moved', [masked('b'), masked('changed')], ['TOKEN-B', undefined]],
    ['one with a new token', [{ url: 'a', token: 'new' }, masked('b')], ['new', 'TOKEN-B']],
    ['one cleared', [{ url: 'a', token: null }, masked('b')], [undefined, 'TOKEN-B']],
  ])('%s', (_what, accounts, tokens) => {
    const found = after({ accounts }).accounts as { token?: string }[];
    expect(found.map(({ token }) => token)).toEqual(tokens);
  });

  test.each([
    ['removed and edited at once', [masked('changed')], ['accounts/0']],
    ['one masked that was never there', [masked('a'), masked('b'), masked('c')], ['accounts/2']],
    ['two alike where one was', [masked('a'), masked('a'), masked('b')], ['accounts/0', 'accounts/1']],
  ])('%s: nobody can tell, and it is asked for again', (_what, accounts, unclear) => {
    expect(after({ accounts }).unclear).toEqual(unclear);
  });

  test('a secret in one place does not go to another that is edited there', () => {
    const { accounts, unclear } = after({ accounts: [masked('b'), masked('changed')] });
    expect(JSON.stringify(accounts)).not.toContain('TOKEN-A');
    expect(unclear).toEqual(['accounts/1']);
  });

  test('a list of nothing but secrets', () => {
    expect(after({ tokens: [SECRET_MASK, SECRET_MASK] }).tokens).toEqual(['T0', 'T1']);
    expect(after({ tokens: [SECRET_MASK, SECRET_MASK, 'new'] }).tokens).toEqual(['T0', 'T1', 'new']);
    expect(after({ tokens: ['new', SECRET_MASK] }).tokens).toEqual(['new', 'T1']);
    expect(after({ tokens: ['x'] })).toMatchObject({ tokens: ['x'], unclear: [] });
    expect(after({ tokens: [SECRET_MASK] }).unclear).toEqual(['tokens/0']);
    expect(after({ tokens: [] }).tokens).toEqual([]);
  });
});
