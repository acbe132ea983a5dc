import { answering, type QuestionAnswer } from '@verifywise/broker';
import { CancelJobs } from '@verifywise/contracts';
import type { ScheduleBook } from '../schedules/books.ts';
import { tenantOf } from './tenant-of.ts';

export function answerCancelJobs(schedules: ScheduleBook): QuestionAnswer {
  return answering(CancelJobs, async ({ pluginId, name }, about) => ({
    cancelled: await schedules.remove(tenantOf(about), pluginId, name),
  }));
}
