import { expect, test } from '@jest/globals';
import type { Activity } from '@verifywise/plugin-types';
import { activityStats, summaryOf } from './statistics.ts';

function activity(action: string, timestamp: string): Activity {
  return { id: timestamp, action, entityType: 'risk', entityName: 'r', user: { name: 'Ada' }, timestamp };
}

const activities = [
  activity('created', '2025-12-08T10:00:00Z'),
  activity('status_changed', '2025-12-07T10:00:00Z'),
  activity('created', '2025-12-01T10:00:00Z'),
];

test('the summary counts by action', () => {
  expect(summaryOf(activities)).toBe('3 activities: 2 created, 1 status changed');
  expect(summaryOf(activities.slice(0, 1))).toBe('1 activity: 1 created');
  expect(summaryOf([])).toBe('No activities yet');
});

test('the card counts what is kept and what is from the last day', () => {
  expect(activityStats(activities, new Date('2025-12-08T09:59:59Z'))).toMatchObject({ value: 3, change: '+2' });
  expect(activityStats(activities, new Date('2026-01-01T00:00:00Z'))).toMatchObject({
    value: 3,
    change: '+0',
    changeType: 'neutral',
  });
});
