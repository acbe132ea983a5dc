import { expect, test } from '@jest/globals';
import { firstDifference } from './packages.mjs';

const everything = (): boolean => true;
const pg = { 'node_modules/pg': { version: '8.1.0' } };

test('packages that are installed as the lock file says need nothing', () => {
  expect(firstDifference({ '': {}, 'infra/local': {}, ...pg }, pg, everything)).toBeUndefined();
});

test('a fresh clone has none', () => {
  expect(firstDifference(pg, undefined, everything)).toBe('none are installed yet');
});

test('another version, a new package and a removed folder each say which package it is', () => {
  expect(firstDifference(pg, { 'node_modules/pg': { version: '8.0.0' } }, everything)).toBe('pg changed');
  expect(firstDifference(pg, {}, everything)).toBe('pg is missing');
  expect(firstDifference(pg, pg, () => false)).toBe('pg is missing');
});

test('a package for another operating system may be absent', () => {
  const forMac = { 'node_modules/fsevents': { version: '2.0.0', optional: true } };
  expect(firstDifference({ ...pg, ...forMac }, pg, everything)).toBeUndefined();
});
