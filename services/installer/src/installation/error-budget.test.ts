import { expect, test } from '@jest/globals';
import { pauseBeforeStart } from './error-budget.ts';

test('a plugin that fails again and again is started again later and later, and at least once a minute', () => {
  expect([1, 2, 3, 4, 7, 8, 9, 1_000].map(pauseBeforeStart)).toEqual([
    0, 1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000,
  ]);
});
