import { answering, tenantOf, type QuestionAnswer } from '@verifywise/broker';
import { ScheduleJob } from '@verifywise/contracts';
import type { ScheduleJobStory } from '../schedules/schedule-job.ts';
import { viewOf } from '../schedules/schedule-view.ts';

export function answerScheduleJob(scheduleJob: ScheduleJobStory): QuestionAnswer {
  return answering(ScheduleJob, async (wanted, about) => viewOf(await scheduleJob(tenantOf(about), wanted)));
}
