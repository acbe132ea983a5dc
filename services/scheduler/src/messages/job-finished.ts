import { hearing, tenantOf, type FactHandler } from '@verifywise/broker';
import { JobFinished, type JobOutcome } from '@verifywise/contracts';

export function hearJobFinished(concludeFire: (tenant: string, outcome: JobOutcome) => Promise<void>): FactHandler {
  return hearing(JobFinished, (outcome, about) => concludeFire(tenantOf(about), outcome));
}
