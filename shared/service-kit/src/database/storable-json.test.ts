import { expect, test } from '@jest/globals';
import { storableJson } from './storable-json.ts';

test('what PostgreSQL has no character for is replaced, in names and in values, however often', () => {
  const value = { 'a\0\0': ['\ud83d', '\udc4d!', '\\\0'] };
  expect(JSON.parse(storableJson(value))).toEqual({ 'a\uFFFD\uFFFD': ['\uFFFD', '\uFFFD!', '\\\uFFFD'] });
});

test('whole characters, and text that only looks like an escape, stay', () => {
  const value = ['👍', '\\u0000', '\\\\ud83d', 'é\n'];
  expect(JSON.parse(storableJson(value))).toEqual(value);
});
