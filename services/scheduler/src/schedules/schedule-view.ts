import type { ScheduleView } from '@verifywise/contracts';
import type { Schedule } from './schedule.ts';

/** What a plugin sees of its schedule. */
export function viewOf(schedule: Schedule): ScheduleView {
  const { name, timing, nextDue, lastRun, lastOutcome } = schedule;
  const paused = schedule.paused || schedule.pluginDisabled;
  return {
    name,
    timing,
    nextRun: paused ? null : (nextDue?.toISOString() ?? null),
    lastRun: lastRun?.toISOString() ?? null,
    lastOutcome,
    paused,
  };
}

export interface AdminScheduleView extends ScheduleView {
  /** Why nothing runs, when nothing runs. */
  pausedBy: 'admin' | 'plugin-disabled' | null;
  fired: number;
  skipped: number;
  lastError: string | null;
}

/** What an admin sees of it. */
export function adminViewOf(schedule: Schedule): AdminScheduleView {
  const { paused, pluginDisabled, fired, skipped, lastError } = schedule;
  const pausedBy = paused ? 'admin' : pluginDisabled ? 'plugin-disabled' : null;
  return { ...viewOf(schedule), pausedBy, fired, skipped, lastError };
}
