import { describe, expect, test } from '@jest/globals';
import type { ScheduleTiming } from '@verifywise/contracts';
import { cronTimes } from '../cron/cron-times.ts';
import { checkData, checkedTiming, checkName } from './timing.ts';

const check = (timing: ScheduleTiming) => checkedTiming(timing, cronTimes, 1_000);

describe('a timing', () => {
  test.each<[string, ScheduleTiming]>([
    ['exactly one of cron, every', {}],
    ['exactly one of cron, every', { cron: '* * * * *', every: 5_000 }],
    ['has 4 fields instead of five', { cron: '* * * *' }],
    ['cannot be read', { cron: '0 25 * * *' }],
    ['cannot be read', { cron: '0 0 30 2 *' }],
    ['picked by chance', { cron: 'H * * * *' }],
    ['from 1 ', { every: 0 }],
    ['whole number', { every: 1_000.5 }],
    ['not a known time zone', { cron: '* * * * *', tz: 'Mars/Base' }],
    ['delay is a whole number', { once: true, delay: -1 }],
    ['limit is a whole number', { every: 1_000, limit: 0 }],
    ['attempts is a whole number', { every: 1_000, attempts: 0 }],
    [
      'backoff.type is one of fixed and exponential',
      { every: 1_000, backoff: { type: 'linear' as 'fixed', delay: 1 } },
    ],
    ['misfire is one of', { every: 1_000, misfire: 'ignore' as 'skip' }],
    ['overlap is one of', { every: 1_000, overlap: 'queue' as 'skip' }],
  ])('that is wrong is refused with a sentence: %s', (sentence, timing) => {
    expect(() => check(timing)).toThrow(sentence);
    expect(() => check(timing)).toThrow(expect.objectContaining({ code: 'SCHEDULE_INVALID' }));
  });

  test('keeps what was meant and nothing else', () => {
    const noisy = { cron: ' 0 9 * * 1-5 ', once: false, unknown: 1 } as ScheduleTiming;
    expect(check(noisy)).toEqual({ cron: '0 9 * * 1-5' });
  });
});

test.each<[ScheduleTiming, number]>([
  [{ every: 59_999 }, 60_000],
  [{ cron: '*/10 * * * * *' }, 60_000],
  [{ cron: '0,30 * * * *' }, 3_600_000],
])('%j runs more often than every %i ms, which is said', (timing, shortestMs) => {
  expect(() => checkedTiming(timing, cronTimes, shortestMs)).toThrow(
    expect.objectContaining({
      code: 'SCHEDULE_TOO_FREQUENT',
      details: expect.objectContaining({ shortestIntervalMs: shortestMs }),
    }),
  );
  expect(() => checkedTiming(timing, cronTimes, 10_000)).not.toThrow();
});

test('a name is a short text that can be shown', () => {
  expect(() => checkName('weekly report')).not.toThrow();
  for (const name of ['', 'a'.repeat(129), 'two\nlines', 7])
    expect(() => checkName(name)).toThrow('1 to 128 characters');
});

test('data is kept up to 256 kB', () => {
  expect(() => checkData('x'.repeat(200_000))).not.toThrow();
  expect(() => checkData('x'.repeat(300_000))).toThrow('store it and pass its id');
});
