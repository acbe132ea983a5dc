import { describe, expect, test } from '@jest/globals';
import { cronTimes } from './cron-times.ts';

/** The times of a pattern between two moments. */
function times(cron: string, tz: string, after: string, until: string): string[] {
  const found: string[] = [];
  for (let at = cronTimes.next(cron, tz, new Date(after)); at && at <= new Date(until);) {
    found.push(at.toISOString().slice(0, 16));
    at = cronTimes.next(cron, tz, at);
  }
  return found;
}
const hoursAndMinutes = (...given: Parameters<typeof times>) => times(...given).map((time) => time.slice(11));

describe('cron patterns', () => {
  test('move with daylight saving time', () => {
    expect(times('0 9 * * *', 'Europe/Berlin', '2026-03-27T12:00:00Z', '2026-03-30T12:00:00Z')).toEqual([
      '2026-03-28T08:00',
      '2026-03-29T07:00',
      '2026-03-30T07:00',
    ]);
  });

  // At 01:00 UTC the clocks of Berlin go from 2:00 to 3:00.
  test.each([
    ['30 2 * * *', ['01:30']],
    ['*/20 2 * * *', ['01:00', '01:20', '01:40']],
    ['0,30 2,3 * * *', ['01:00', '01:30']],
    ['0 3 * * *', ['01:00']],
    ['0 * * * *', ['00:00', '01:00', '02:00']],
    ['*/30 * * * *', ['00:00', '00:30', '01:00', '01:30', '02:00']],
  ])('run an hour later at a time that is left out: %s', (cron, expected) => {
    expect(hoursAndMinutes(cron, 'Europe/Berlin', '2026-03-28T23:59:00Z', '2026-03-29T02:00:00Z')).toEqual(expected);
  });

  // At 01:00 UTC the clocks of Berlin go from 3:00 back to 2:00.
  test.each([
    ['30 2 * * *', ['00:30']],
    ['*/30 1-3 * * *', ['23:00', '23:30', '00:00', '00:30', '02:00', '02:30']],
    ['0 3 * * *', ['02:00']],
    ['0 * * * *', ['23:00', '00:00', '01:00', '02:00']],
    ['*/30 * * * *', ['23:00', '23:30', '00:00', '00:30', '01:00', '01:30', '02:00', '02:30']],
  ])('run once at a time that comes twice, unless they run every hour: %s', (cron, expected) => {
    expect(hoursAndMinutes(cron, 'Europe/Berlin', '2026-10-24T22:59:00Z', '2026-10-25T02:59:00Z')).toEqual(expected);
  });

  // Lord Howe moves its clocks by half an hour, at 15:00 and at 15:30 UTC.
  test('know that not all clocks are moved by an hour', () => {
    const forward = ['2026-10-03T14:00:00Z', '2026-10-03T17:00:00Z'] as const;
    expect(hoursAndMinutes('15 2 * * *', 'Australia/Lord_Howe', ...forward)).toEqual(['15:45']);
    expect(hoursAndMinutes('0 * * * *', 'Australia/Lord_Howe', ...forward)).toEqual(['14:30', '16:00', '17:00']);
    const back = ['2026-04-04T13:59:00Z', '2026-04-04T17:00:00Z'] as const;
    expect(hoursAndMinutes('45 1 * * *', 'Australia/Lord_Howe', ...back)).toEqual(['14:45']);
    expect(hoursAndMinutes('45 * * * *', 'Australia/Lord_Howe', ...back)).toEqual(['14:45', '15:15', '16:15']);
  });

  test('find times that are years away, and none that never come', () => {
    expect(times('0 0 29 2 *', 'Europe/Berlin', '2026-01-01T00:00:00Z', '2033-01-01T00:00:00Z')).toEqual([
      '2028-02-28T23:00',
      '2032-02-28T23:00',
    ]);
    expect(cronTimes.problem('0 0 30 2 *')).toContain('cannot be read');
  });
});
