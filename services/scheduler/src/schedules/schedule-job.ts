import { isDeepStrictEqual } from 'node:util';
import { PlatformError, type ScheduleTiming } from '@verifywise/contracts';
import type { ScheduleBook } from './books.ts';
import type { Schedule } from './schedule.ts';
import { firstSlot, type CronTimes } from './slots.ts';
import { checkData, checkedTiming, checkName, ScheduleInvalidError } from './timing.ts';

/** What one plugin of one tenant may have. */
export interface ScheduleLimits {
  schedulesPerPlugin: number;
  shortestIntervalMs: number;
}

export class TooManySchedulesError extends PlatformError {
  constructor(pluginId: string, most: number) {
    super(
      'TOO_MANY_SCHEDULES',
      `${pluginId} has ${most} jobs, and more are not kept for one plugin; cancel one, or let one job do the work of several`,
      { details: { limit: most } },
    );
  }
}

export interface WantedJob {
  pluginId: string;
  name: string;
  timing: ScheduleTiming;
  data: unknown;
}

export type ScheduleJobStory = (tenant: string, wanted: WantedJob) => Promise<Schedule>;

/**
 * Schedules a job; one of the same name is replaced. A plugin says its schedules every time it is enabled, so one that
 * is said again as it was keeps its next slot and its count: a daily job of a plugin that restarts twice a day still runs.
 */
export function createScheduleJob(
  schedules: ScheduleBook,
  cron: CronTimes,
  limits: ScheduleLimits,
  wake: () => void,
): ScheduleJobStory {
  return async (tenant, { pluginId, name, timing: wanted, data }) => {
    checkName(name);
    checkData(data);
    const timing = checkedTiming(wanted, cron, limits.shortestIntervalMs);
    const schedule = await schedules.save(tenant, pluginId, name, ({ schedule: there, others, now }) => {
      if (there !== undefined && timing.once !== true && isDeepStrictEqual(there.timing, timing))
        return { timing, data, restart: undefined };
      if (others >= limits.schedulesPerPlugin) throw new TooManySchedulesError(pluginId, limits.schedulesPerPlugin);
      return { timing, data, restart: { firstDue: firstDue(timing, now, cron) } };
    });
    wake();
    return schedule;
  };
}

function firstDue(timing: ScheduleTiming, now: Date, cron: CronTimes): Date {
  const first = firstSlot(timing, now, cron);
  if (first === undefined)
    throw new ScheduleInvalidError('cron', `The cron pattern "${String(timing.cron)}" names a time that never comes`);
  return first;
}
