import { describe, expect, test } from '@jest/globals';
import { checkCompatibility, compareVersions, isVersionRange, parseVersion, satisfies } from './versions.ts';

test.each([
  ['1.2.3', '1.2.3'],
  ['1.2', '1.2.0'],
  ['v1.2.3', '1.2.3'],
  ['v2.0', '2.0.0'],
  ['1.0.0-beta.1', '1.0.0-beta.1'],
  ['1.2-rc.1', '1.2.0-rc.1'],
  ['1.0.0+build.5', '1.0.0'],
])('%s is the version %s', (written, full) => {
  expect(parseVersion(written)).toBe(full);
});

test.each(['', '1', '01.2.3', '1.2.3.4', 'latest', ' 1.2.3', '1.2.x', '-1.0.0', '1.2.3-', `1.0.0-${'a'.repeat(300)}`])(
  '"%s" is no version',
  (written) => {
    expect(parseVersion(written)).toBeUndefined();
  },
);

describe('a range', () => {
  test.each([
    // The table of S:16.2, both sides of each border.
    ['1.0.0', '>=1.0.0', true],
    ['1.0.1', '>=1.0.0', true],
    ['2.0.0', '>=1.0.0', true],
    ['0.9.9', '>=1.0.0', false],
    ['1.0.1', '>1.0.0', true],
    ['1.0.0', '>1.0.0', false],
    ['2.0.0', '<=2.0.0', true],
    ['2.0.1', '<=2.0.0', false],
    ['1.9.9', '<2.0.0', true],
    ['2.0.0', '<2.0.0', false],
    ['1.5.0', '=1.5.0', true],
    ['1.5.1', '=1.5.0', false],
    ['1.2.0', '^1.2.0', true],
    ['1.9.0', '^1.2.0', true],
    ['1.1.9', '^1.2.0', false],
    ['2.0.0', '^1.2.0', false],
    ['1.2.9', '~1.2.0', true],
    ['1.3.0', '~1.2.0', false],
    // Two numbers mean a third of zero, also where npm would mean every patch.
    ['1.2.5', '>1.2', true],
    ['1.2.0', '>1.2', false],
    ['1.2.5', '<=1.2', false],
    ['1.5.1', '=1.5', false],
    ['1.5.0', '1.5', true],
    ['1.5', '1.5.0', true],
    ['1.9.9', '^1.2', true],
    // Joined.
    ['1.5.0', '>=1.0.0 <2.0.0', true],
    ['2.0.0', '>=1.0.0 <2.0.0', false],
    ['1.5.0', '>= 1.0  < 2.0', true],
    ['3.1.0', '<1.0.0 || >=3.0.0', true],
    ['2.0.0', '<1.0.0||>=3.0.0', false],
    ['7.7.7', '*', true],
    ['1.9.0', '1.x', true],
    ['2.0.0', '1.x', false],
    ['1.2.3', 'v1.2.3', true],
    // A pre-release is in a range only if the range names one.
    ['1.1.0-beta.1', '>=1.0.0', false],
    ['1.1.0-beta.1', '*', false],
    ['1.1.0-beta.2', '>=1.1.0-beta.1', true],
    ['1.1.0', '>=1.1.0-beta.1', true],
    ['1.1.0-alpha', '>=1.1.0-beta.1', false],
    // What cannot be read contains nothing and is in nothing.
    ['latest', '*', false],
    ['1.0.0', 'latest', false],
    ['1.0.0', '', false],
    ['1.0.0', '>=1.0.0 ||', false],
  ])('%s in %s: %s', (version, range, expected) => {
    expect(satisfies(version, range)).toBe(expected);
  });

  test.each(['', '  ', '>=', '>>1.0.0', '1', '||', '1.0.0 &&', '^', 'a'.repeat(300), '>=1.0.0 '.repeat(1_000)])(
    '"%s" is none',
    (written) => {
      expect(isVersionRange(written)).toBe(false);
    },
  );
});

test('versions are ordered by number, with pre-releases before their release and nonsense first', () => {
  const sorted = ['1.10.0', '1.9', 'x', '1.9.0-rc.1', 'v2.0.0'].toSorted(compareVersions);
  expect(sorted).toEqual(['x', '1.9.0-rc.1', '1.9', '1.10.0', 'v2.0.0']);
});

test.each([
  ['1.7.0', {}, true],
  ['1.7.0', { minVersion: '1.6.0' }, true],
  ['1.7.0', { minVersion: '1.7' }, true],
  ['1.7.0', { minVersion: '1.7.1' }, false],
  ['1.7.0', { maxVersion: '1.7.0' }, true],
  ['1.7.0', { maxVersion: '1.6' }, false],
  ['1.7.0', { minVersion: '1.0.0', maxVersion: '2.0.0' }, true],
  ['1.7.0-rc.1', { minVersion: '1.7.0' }, false],
])('VerifyWise %s with %j: compatible is %s', (host, compatibility, expected) => {
  expect(checkCompatibility(host, compatibility).compatible).toBe(expected);
});

test('what is incompatible says what is required and what is there', () => {
  expect(checkCompatibility('1.5.0', { minVersion: '1.6.0' })).toEqual({
    compatible: false,
    reason: 'Plugin requires VerifyWise 1.6.0 or higher; this is 1.5.0',
  });
});
