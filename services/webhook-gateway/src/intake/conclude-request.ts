import type { WebhookOutcome } from '@verifywise/contracts';
import type { RequestBook } from './request-book.ts';

/** An upgrade takes seconds, and a plugin that stays disabled is asked no more often than this. */
const LOOK_AGAIN_MS = 30_000;

/** Hears how a delivery ended. Nobody waits any more, so a plugin that is just not there (an upgrade) gets it later. */
export function createConcludeRequest(
  requests: RequestBook,
): (tenant: string, outcome: WebhookOutcome) => Promise<void> {
  return async (tenant, outcome) => {
    if (outcome.outcome === 'not-enabled') await requests.wait(tenant, outcome, LOOK_AGAIN_MS);
    else await requests.conclude(tenant, outcome);
  };
}
