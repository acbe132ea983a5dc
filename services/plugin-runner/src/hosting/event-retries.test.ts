import { expect, test } from '@jest/globals';
import { waitMs, wantsMore } from './event-retries.ts';

const failed = (type: 'fixed' | 'exponential', delay: number, attempts = 5) => ({
  handler: 0,
  message: 'no',
  retry: { attempts, backoff: { type, delay } },
});

test.each([
  ['the same each time', [failed('fixed', 300)], 4, 300],
  ['doubled each time', [failed('exponential', 100)], 1, 100],
  ['doubled each time', [failed('exponential', 100)], 4, 800],
  ['never more than a minute', [failed('exponential', 1_000)], 19, 60_000],
  ['as long as the most patient asks', [failed('fixed', 50), failed('fixed', 500)], 1, 500],
])('the wait is %s', (_what, failures, attempts, expected) => {
  expect(waitMs({ failed: failures, attempts })).toBe(expected);
});

test('the first attempt counts, and who asked for nothing gets no second', () => {
  expect(wantsMore(failed('fixed', 1, 2), 1)).toBe(true);
  expect(wantsMore(failed('fixed', 1, 2), 2)).toBe(false);
  expect(wantsMore({ handler: 0, message: 'no' }, 1)).toBe(false);
});
