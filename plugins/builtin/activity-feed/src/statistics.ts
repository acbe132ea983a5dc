import type { Activity, StatsCard } from '@verifywise/plugin-types';

const A_DAY_MS = 24 * 60 * 60 * 1_000;

/** One sentence about the recorded activities: `3 activities: 2 created, 1 updated`. */
export function summaryOf(activities: Activity[]): string {
  if (activities.length === 0) return 'No activities yet';
  const counts = new Map<string, number>();
  for (const { action } of activities) counts.set(action, (counts.get(action) ?? 0) + 1);
  const parts = [...counts].map(([action, count]) => `${count} ${action.replaceAll('_', ' ')}`);
  return `${activities.length} ${activities.length === 1 ? 'activity' : 'activities'}: ${parts.join(', ')}`;
}

/** How many activities are kept, and how many of them are from the last 24 hours. */
export function activityStats(activities: Activity[], now: Date): StatsCard {
  const since = now.getTime() - A_DAY_MS;
  const recent = activities.filter(({ timestamp }) => Date.parse(timestamp) >= since).length;
  return {
    value: activities.length,
    label: 'Recent Activities',
    change: `+${recent}`,
    changeType: recent > 0 ? 'increase' : 'neutral',
    icon: 'activity',
  };
}
