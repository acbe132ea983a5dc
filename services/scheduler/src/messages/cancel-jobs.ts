import { answering, tenantOf, type QuestionAnswer } from '@verifywise/broker';
import { CancelJobs } from '@verifywise/contracts';
import type { ScheduleBook } from '../schedules/books.ts';

export function answerCancelJobs(schedules: ScheduleBook): QuestionAnswer {
  return answering(CancelJobs, async ({ pluginId, name }, about) => ({
    cancelled: await schedules.remove(tenantOf(about), pluginId, name),
  }));
}
