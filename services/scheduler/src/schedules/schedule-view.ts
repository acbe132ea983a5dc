import type { ScheduleView } from '@verifywise/contracts';
import type { Fire, FireState, Schedule } from './schedule.ts';

/** What a plugin sees of its schedule. While it is being enabled its jobs are still paused, and it may want to know when they go on. */
export function viewOf(schedule: Schedule): ScheduleView {
  const { name, timing, nextDue, lastRun, lastOutcome, attempts } = schedule;
  const paused = schedule.paused || schedule.pluginDisabled;
  return {
    name,
    timing,
    nextRun: schedule.paused ? null : (nextDue?.toISOString() ?? null),
    lastRun: lastRun?.toISOString() ?? null,
    lastOutcome,
    attempts,
    paused,
  };
}

/** What fits into one message beside everything else. */
const MOST_DATA_BYTES = 1024 * 1024;

/** What a plugin sees of its schedules, with their data as long as it is not too much. */
export function viewsWithData(schedules: readonly Schedule[]): ScheduleView[] {
  let bytes = 0;
  return schedules.map((schedule) => {
    bytes += Buffer.byteLength(JSON.stringify(schedule.data));
    return bytes > MOST_DATA_BYTES ? viewOf(schedule) : { ...viewOf(schedule), data: schedule.data };
  });
}

export interface AdminScheduleView extends ScheduleView {
  /** Why nothing runs, when nothing runs. */
  pausedBy: 'admin' | 'plugin-disabled' | null;
  /** Runs so far, of its slots and by hand. */
  fired: number;
  skipped: number;
  lastError: string | null;
}

/** What an admin sees of it. */
export function adminViewOf(schedule: Schedule): AdminScheduleView {
  const { paused, pluginDisabled, fired, byHand, skipped, lastError } = schedule;
  const pausedBy = paused ? 'admin' : pluginDisabled ? 'plugin-disabled' : null;
  const view = viewOf(schedule);
  return {
    ...view,
    nextRun: pausedBy === null ? view.nextRun : null,
    pausedBy,
    fired: fired + byHand,
    skipped,
    lastError,
  };
}

export interface RunView {
  fireId: string;
  dueAt: string;
  state: FireState;
  byHand: boolean;
  /** Attempts that failed. */
  failures: number;
  /** What the plugin said last, if anything. */
  outcome: string | null;
  error: string | null;
  tookMs: number | null;
  finishedAt: string | null;
}

/** What an admin sees of one run. */
export function runViewOf({ id, slot, state, byHand, attempt, outcome, error, tookMs, finishedAt }: Fire): RunView {
  return {
    ...{ fireId: id, dueAt: slot.toISOString(), state, byHand, failures: attempt, outcome, error, tookMs },
    finishedAt: finishedAt?.toISOString() ?? null,
  };
}
