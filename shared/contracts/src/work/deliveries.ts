import type { ErrorAnswer } from '../errors.ts';
import type { JobOutcome } from '../facts/jobs.ts';
import type { WebhookOutcome } from '../facts/webhooks.ts';
import type { Person } from '../identity.ts';
import { work } from '../messages.ts';

/** Bodies of webhooks up to this size travel in the message. */
export const WEBHOOK_MESSAGE_BODY_BYTES = 1024 * 1024;

/** A stored webhook request on its way to the plugin's handler. */
export interface WebhookDelivery {
  pluginId: string;
  webhook: string;
  requestId: string;
  method: string;
  /** Path and query after the webhook's name, as sent. */
  url: string;
  headers: Record<string, string | string[]>;
  /** As received, byte for byte; empty when the body is elsewhere. */
  bodyBase64: string;
  /** A body of more than WEBHOOK_MESSAGE_BODY_BYTES: fetched from the gateway by its request's id, with a service token. */
  bodyElsewhere?: { bytes: number };
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

/** Which failed deliveries of a plugin are meant: those that fit all of it. */
export interface FailedDeliverySelection {
  ids?: string[];
  /** Of errors that are alike. */
  fingerprint?: string;
  event?: string;
  /** Failed at this moment or later; ISO 8601. */
  since?: string;
  /** Failed before this moment. */
  until?: string;
}

export interface ReplayRequest {
  pluginId: string;
  selection: FailedDeliverySelection;
  actor: Person;
}

export interface ReplayOutcome {
  /** Given to the plugin again, behind what waits for it. */
  replayed: number;
  /** Stay as they are, because their event waits for the plugin already. */
  waiting: number;
  /** More of them than are replayed at once: ask again. */
  more: boolean;
}

/** Gives failed deliveries to the plugin again; answered with an error's answer when the plugin is not enabled. */
export const ReplayDeliveries = work<ReplayRequest, ReplayOutcome | { error: ErrorAnswer }>('runner.replay-deliveries');
