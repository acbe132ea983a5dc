import type { WebhookOutcome } from '@verifywise/contracts';
import { AFTER_NOT_ENABLED_MS } from './deliver.ts';
import type { RequestBook } from './request-book.ts';

/** Hears how a delivery ended. Nobody waits any more, so a plugin that is just not there (an upgrade) gets it later. */
export function createConcludeRequest(
  requests: RequestBook,
  watch: { ended(tenant: string, outcome: WebhookOutcome): void },
): (tenant: string, outcome: WebhookOutcome) => Promise<void> {
  return async (tenant, outcome) => {
    if (outcome.outcome === 'not-enabled') await requests.wait(tenant, outcome, AFTER_NOT_ENABLED_MS);
    else await requests.conclude(tenant, outcome);
    watch.ended(tenant, outcome);
  };
}
