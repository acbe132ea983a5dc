import { answering, tenantOf, type QuestionAnswer } from '@verifywise/broker';
import { ListJobs } from '@verifywise/contracts';
import type { ScheduleBook } from '../schedules/books.ts';
import { viewOf } from '../schedules/schedule-view.ts';

export function answerListJobs(schedules: ScheduleBook): QuestionAnswer {
  return answering(ListJobs, async ({ pluginId }, about) =>
    (await schedules.list(tenantOf(about), pluginId)).map(viewOf),
  );
}
