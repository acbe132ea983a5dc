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
  expect(waitMs({ failed: failures, attempts }, () => 0)).toBe(expected);
});

test('waits of many plugins do not end together: each is up to a fifth longer, and never more than a minute', () => {
  const waits = (random: number, delay: number) =>
    waitMs({ failed: [failed('fixed', delay)], attempts: 1 }, () => random);
  expect([waits(0.5, 1_000), waits(0.999, 1_000), waits(0.999, 60_000)]).toEqual([1_100, 1_200, 60_000]);
});

test('an event at which a process has ended has a second chance, and no third', () => {
  const crashed = { handler: -1, message: 'The process ended', crashed: true as const };
  expect([wantsMore(crashed, 1), wantsMore(crashed, 2)]).toEqual([true, false]);
});

test('the first attempt counts, and who asked for nothing gets no second', () => {
  expect(wantsMore(failed('fixed', 1, 2), 1)).toBe(true);
  expect(wantsMore(failed('fixed', 1, 2), 2)).toBe(false);
  expect(wantsMore({ handler: 0, message: 'no' }, 1)).toBe(false);
});
