import { hearing, tenantOf, type FactHandler } from '@verifywise/broker';
import { WebhookFinished, type WebhookOutcome } from '@verifywise/contracts';

export function hearWebhookFinished(conclude: (tenant: string, outcome: WebhookOutcome) => Promise<void>): FactHandler {
  return hearing(WebhookFinished, (outcome, about) => conclude(tenantOf(about), outcome));
}
