import type { ScheduleBook } from './books.ts';
import { soonerSlot, type CronTimes } from './slots.ts';

/** Has a clock that was set back delay nothing by more than was meant. */
export function createNoticeSetBack(
  schedules: ScheduleBook,
  cron: CronTimes,
  watch: { setBack(): void },
  wake: () => void,
): () => Promise<void> {
  return async () => {
    if (!(await schedules.noticeSetBack((schedule, now) => soonerSlot(schedule, now, cron)))) return;
    watch.setBack();
    wake();
  };
}
