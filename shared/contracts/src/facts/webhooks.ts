import { fact } from '../messages.ts';

/** How the delivery of one accepted webhook request ended; published by the runner, heard by the gateway. */
export interface WebhookOutcome {
  pluginId: string;
  webhook: string;
  requestId: string;
  outcome: 'answered' | 'failed' | 'timed-out' | 'not-enabled';
  /** The plugin's answer, when it gave one; bodies are base64 and at most 1 MB. */
  answer?: WebhookAnswer;
  error?: { message: string };
  tookMs: number;
}
export interface WebhookAnswer {
  status: number;
  headers: Record<string, string | string[]>;
  bodyBase64: string;
}
export const WebhookFinished = fact<WebhookOutcome>('plugin.webhook_finished');
