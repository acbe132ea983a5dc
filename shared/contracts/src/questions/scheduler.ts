import type { ScheduledJob } from '@verifywise/plugin-types';
import { question } from '../messages.ts';

/** When a schedule fires: exactly one of cron, every, and once (a single fire after `delay`). */
export interface ScheduleTiming {
  cron?: string;
  /** IANA zone the cron is read in; UTC unless said. */
  tz?: string;
  /** Milliseconds between fires. */
  every?: number;
  once?: boolean;
  /** Milliseconds before the first fire. */
  delay?: number;
  /** At most so many fires. */
  limit?: number;
  priority?: number;
  attempts?: number;
  backoff?: { type: 'fixed' | 'exponential'; delay: number };
  misfire?: 'fire_once' | 'skip';
  overlap?: 'skip' | 'allow';
}

export interface ScheduleView {
  name: string;
  timing: ScheduleTiming;
  nextRun: string | null;
  lastRun: string | null;
  lastOutcome: ScheduledJob['lastOutcome'];
  /** Attempts of the last run so far. */
  attempts: number;
  paused: boolean;
  /** What the handler is given; left out where that of all jobs together is too large to be listed. */
  data?: unknown;
}

/** A schedule of the same name is replaced. */
export const ScheduleJob = question<
  { pluginId: string; name: string; timing: ScheduleTiming; data: unknown },
  ScheduleView
>('scheduler', 'schedule-job');

/** Answers how many schedules went. */
export const CancelJobs = question<{ pluginId: string; name?: string }, { cancelled: number }>(
  'scheduler',
  'cancel-jobs',
);

export const ListJobs = question<{ pluginId: string }, ScheduleView[]>('scheduler', 'list-jobs');
