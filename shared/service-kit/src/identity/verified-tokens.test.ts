import { expect, test } from '@jest/globals';
import { VerifiedTokens } from './verified-tokens.ts';

const ada = { tenant: 'acme', userId: '7', role: 'Admin' };
const NOW = 1_000_000;

test('a token that was found good is known for half a minute', () => {
  const tokens = new VerifiedTokens();
  tokens.add('a.b.c', ada, NOW + 3_600_000, NOW);
  expect(tokens.find('a.b.c', NOW + 29_999)).toBe(ada);
  expect(tokens.find('a.b.c', NOW + 30_000)).toBeUndefined();
  expect(tokens.find('a.b.d', NOW)).toBeUndefined();
});

test('an expired token is not known, however recently it was found good', () => {
  const tokens = new VerifiedTokens();
  tokens.add('a.b.c', ada, NOW + 1_000, NOW);
  expect(tokens.find('a.b.c', NOW + 999)).toBe(ada);
  expect(tokens.find('a.b.c', NOW + 1_000)).toBeUndefined();
});

test('of many tokens the oldest are forgotten', () => {
  const tokens = new VerifiedTokens();
  for (let user = 0; user <= 10_000; user += 1) tokens.add(`token.of.${user}`, ada, NOW + 60_000, NOW);
  expect(tokens.find('token.of.0', NOW)).toBeUndefined();
  expect(tokens.find('token.of.1', NOW)).toBe(ada);
  expect(tokens.find('token.of.10000', NOW)).toBe(ada);
});
