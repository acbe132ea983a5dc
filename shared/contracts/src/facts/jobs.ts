import { fact } from '../messages.ts';

/** How one fire of a schedule ended in the plugin; published by the runner, heard by the scheduler. */
export interface JobOutcome {
  pluginId: string;
  schedule: string;
  fireId: string;
  attempt: number;
  outcome: 'done' | 'failed' | 'no-handler' | 'not-enabled';
  error?: { message: string; stack?: string };
  /** How long the handler took, in milliseconds. */
  tookMs: number;
}
export const JobFinished = fact<JobOutcome>('plugin.job_finished');
