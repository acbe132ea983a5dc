import type { JobOutcome } from '../facts/jobs.ts';
import type { WebhookOutcome } from '../facts/webhooks.ts';
import { work } from '../messages.ts';

/** A stored webhook request on its way to the plugin's handler. */
export interface WebhookDelivery {
  pluginId: string;
  webhook: string;
  requestId: string;
  method: string;
  /** Path and query after the webhook's name, as sent. */
  url: string;
  headers: Record<string, string | string[]>;
  /** As received, byte for byte. */
  bodyBase64: string;
  receivedAt: string;
}
/** Delivers an accepted webhook; the outcome goes to the waiting gateway and out as WebhookFinished. */
export const DeliverWebhook = work<WebhookDelivery, WebhookOutcome>('runner.deliver-webhook');

/** One due fire of a schedule. */
export interface JobRun {
  pluginId: string;
  schedule: string;
  fireId: string;
  /** Failures so far: 0 on the first attempt (contract §1). */
  attempt: number;
  data: unknown;
  dueAt: string;
  limitMs: number;
}
/** Runs a due job in the plugin's isolate; the outcome goes out as JobFinished. */
export const RunJob = work<JobRun, JobOutcome>('runner.run-job');
