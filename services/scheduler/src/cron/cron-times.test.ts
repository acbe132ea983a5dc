import { describe, expect, test } from '@jest/globals';
import { cronTimes } from './cron-times.ts';

function nextThree(cron: string, tz: string, from: string): string[] {
  const times: string[] = [];
  let after = new Date(from);
  for (let count = 0; count < 3; count += 1) {
    after = cronTimes.next(cron, tz, after) as Date;
    times.push(after.toISOString());
  }
  return times;
}

describe('cron patterns', () => {
  test('move with daylight saving time', () => {
    expect(nextThree('0 9 * * *', 'Europe/Berlin', '2026-03-27T12:00:00Z')).toEqual([
      '2026-03-28T08:00:00.000Z',
      '2026-03-29T07:00:00.000Z',
      '2026-03-30T07:00:00.000Z',
    ]);
  });

  test('run an hour later at a time that does not exist, and once at one that comes twice', () => {
    expect(nextThree('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z')[0]).toBe('2026-03-29T01:30:00.000Z');
    expect(nextThree('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z').slice(0, 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
  });

  test('name the latest time that is not after a moment', () => {
    const noon = new Date('2026-01-01T12:00:00Z');
    expect(cronTimes.latest('0 12 * * *', 'UTC', noon)).toEqual(noon);
    expect(cronTimes.latest('0 12 * * *', 'UTC', new Date(noon.getTime() - 1))).toEqual(
      new Date('2025-12-31T12:00:00Z'),
    );
  });
});
