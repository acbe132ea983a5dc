import { isDeepStrictEqual } from 'node:util';
import type { ScheduleTiming } from '@verifywise/contracts';
import type { ScheduleBook } from './books.ts';
import type { Schedule } from './schedule.ts';
import { firstSlot, type CronTimes } from './slots.ts';
import { checkData, checkedTiming, checkName, ScheduleInvalidError } from './timing.ts';

/** More is a job per row, which belongs into one job that reads the rows. */
const MOST_SCHEDULES_PER_PLUGIN = 1_000;

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
export function createScheduleJob(schedules: ScheduleBook, cron: CronTimes, wake: () => void): ScheduleJobStory {
  return async (tenant, { pluginId, name, timing: wanted, data }) => {
    checkName(name);
    checkData(data);
    const timing = checkedTiming(wanted, cron);
    const schedule = await schedules.save(tenant, pluginId, name, ({ schedule: there, others, now }) => {
      if (there !== undefined && timing.once !== true && isDeepStrictEqual(there.timing, timing))
        return { timing, data, restart: undefined };
      if (others >= MOST_SCHEDULES_PER_PLUGIN)
        throw new ScheduleInvalidError(
          'name',
          `A plugin has at most ${MOST_SCHEDULES_PER_PLUGIN} jobs; cancel one first`,
        );
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
