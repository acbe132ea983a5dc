import { expect, test } from '@jest/globals';
import { hasTooManyPatterns, PatternMatching, patternProblem } from './safe-pattern.ts';

test.each([
  String.raw`^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$`,
  '^https://',
  String.raw`^(\d{1,3}\.){3}\d{1,3}$`,
  '^(foo|bar)+$',
  '^[a-z0-9]+(-[a-z0-9]+)*$',
  '(a+)+$',
  '(?:x+y?)+',
  '((ab)*c)*',
  String.raw`\(a+\)+`,
  '[(a+)+]',
  '(?<year>[0-9]{4})-x',
  String.raw`^[\p{L}\u0041\/]+$`,
  'a{,3}(b)',
  '',
])('%s may be a pattern', (pattern) => {
  expect(patternProblem(pattern)).toBeUndefined();
});

test.each([
  ['(', 'broken'],
  ['[', 'broken'],
  ['a'.repeat(501), 'broken'],
  ['^(?=.*[A-Z]).+$', 'unsupported'],
  ['(?<!a)b', 'unsupported'],
  [String.raw`(a)\1`, 'unsupported'],
  ['a{501}', 'unsupported'],
  ['(([a-z]{1,9}){1,9}){1,9}', 'unsupported'],
  ['(a{0,200}){0,200}', 'unsupported'],
  ['[a-z]{400}'.repeat(2), 'unsupported'],
])('%s may not be a pattern', (pattern, kind) => {
  expect(patternProblem(pattern)).toMatchObject({ kind });
});

test.each([
  ['^a+$', 'aaa', 'matches'],
  ['^a+$', 'ab', 'differs'],
  ['^.{1,4}$', '👍👍👍👍', 'matches'],
  ['b', 'abc', 'matches'],
  ['^(?=a)', 'a', 'unusable'],
  ['^[a-z]{100}$', 'a'.repeat(10_000), 'too long'],
] as const)('%s on a value: %#', (pattern, value, outcome) => {
  expect(new PatternMatching().match(pattern, value)).toBe(outcome);
});

// Backtracking would take longer than the universe is old for each of them; the test ends because nothing backtracks.
test.each([
  ['(a+)+$', `${'a'.repeat(5_000)}!`],
  ['^(a|a)*$', `${'a'.repeat(5_000)}!`],
  [String.raw`^(\w+\s?)*$`, `${'word '.repeat(2_000)}!`],
  [
    String.raw`^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$`,
    'a'.repeat(2_000),
  ],
  ['(.*a){20}$', `${'a'.repeat(2_000)}!`],
])('%s is catastrophic elsewhere and answered here', (pattern, value) => {
  expect(new PatternMatching().match(pattern, value)).toBe('differs');
});

test('all values of a request share the steps there are', () => {
  const matching = new PatternMatching();
  const outcomes = Array.from({ length: 200 }, () => matching.match('^[a-z]{1,40}$', 'a'.repeat(40)));
  expect(outcomes[0]).toBe('matches');
  expect(outcomes.at(-1)).toBe('too long');
});

test('a manifest with more patterns than can be compiled while others wait is told apart', () => {
  const fields = (count: number, pattern: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}`, { type: 'string', pattern }]));
  expect(hasTooManyPatterns(fields(200, String.raw`^[\w.+-]+@[\w-]+\.[\w.]+$`))).toBe(false);
  expect(hasTooManyPatterns(fields(20, '[a-z]{400}'))).toBe(true);
  expect(hasTooManyPatterns({ nested: { properties: fields(20, '[a-z]{400}') } })).toBe(true);
  expect(hasTooManyPatterns(undefined)).toBe(false);
});
