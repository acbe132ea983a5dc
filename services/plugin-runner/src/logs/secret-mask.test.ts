import { expect, test } from '@jest/globals';
import { secretMask } from './secret-mask.ts';

const MASK = '••••••••';

test('a secret is masked wherever it stands', () => {
  const mask = secretMask(['xoxb-12345']);
  expect(mask('token=xoxb-12345;xoxb-12345')).toBe(`token=${MASK};${MASK}`);
  expect(mask('xoxb-1234 is another')).toBe('xoxb-1234 is another');
});

test('a short value is left, since it would be found in innocent words', () => {
  expect(secretMask(['on', 'abcde', ''])('on abcde')).toBe('on abcde');
});

test('a secret is found as JSON, in a URL, without its line end, and line by line', () => {
  const key = '-----BEGIN KEY-----\nMIIBVgIBADAN\n-----END KEY-----\n';
  const mask = secretMask([key, 'p"ss w/rd+1']);
  expect(mask(JSON.stringify({ key }))).toBe(`{"key":"${MASK}"}`);
  expect(mask('line: MIIBVgIBADAN')).toBe(`line: ${MASK}`);
  expect(mask('{"password":"p\\"ss w/rd+1"}')).toBe(`{"password":"${MASK}"}`);
  expect(mask('?password=p%22ss%20w%2Frd%2B1')).toBe(`?password=${MASK}`);
});

test('nothing of a secret is left where another one is part of it', () => {
  expect(secretMask(['secret', 'secret-longer'])('secret-longer secret')).toBe(`${MASK} ${MASK}`);
});
