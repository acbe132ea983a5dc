import { answering, tenantOf, type QuestionAnswer } from '@verifywise/broker';
import { ListJobs } from '@verifywise/contracts';
import type { ScheduleBook } from '../schedules/books.ts';
import { viewsWithData } from '../schedules/schedule-view.ts';

export function answerListJobs(schedules: ScheduleBook): QuestionAnswer {
  return answering(ListJobs, async ({ pluginId }, about) =>
    viewsWithData(await schedules.list(tenantOf(about), pluginId)),
  );
}
