import { expect, test } from '@jest/globals';
import { matchPattern, patternProblem } from './safe-pattern.ts';

test.each([
  String.raw`^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$`,
  '^https://',
  String.raw`^(\d{1,3}\.){3}\d{1,3}$`,
  '^(foo|bar)+$',
  '^(?:[a-z]+)?$',
  String.raw`\(a+\)+`,
  '[(a+)+]',
  '(a+)b+',
  '(?<year>[0-9]{4})-(?=x)',
  'a{,3}(b)',
  '',
])('%s may be a pattern', (pattern) => {
  expect(patternProblem(pattern)).toBeUndefined();
});

test.each([
  '(a+)+',
  '(a*)*$',
  '^(a+){2,}$',
  '((ab)*c)*',
  '(?:x+y?)+',
  '(a?)*',
  '(a{1,5})+',
  '(?<n>a+)*',
  '([a-z]+)+?',
  '(a|b+)*',
  '(((a+)))+',
  '(',
  '[',
  'a'.repeat(501),
])('%s may not be a pattern', (pattern) => {
  expect(patternProblem(pattern)).toBeDefined();
});

test.each([
  ['^a+$', 'aaa', 'matches'],
  ['^a+$', 'ab', 'differs'],
  ['^a+$', 'a'.repeat(10_001), 'too long'],
  ['(a+)+$', 'aaa', 'too slow'],
] as const)('%s on a value: %#', (pattern, value, outcome) => {
  expect(matchPattern(pattern, value)).toBe(outcome);
});

test('a pattern that passes for harmless but is not is given up', () => {
  expect(patternProblem('^(a|a)*$')).toBeUndefined();
  expect(matchPattern('^(a|a)*$', `${'a'.repeat(60)}b`)).toBe('too slow');
});
