import { hearing, type FactHandler } from '@verifywise/broker';
import { JobFinished, type JobOutcome } from '@verifywise/contracts';
import { tenantOf } from './tenant-of.ts';

export function hearJobFinished(concludeFire: (tenant: string, outcome: JobOutcome) => Promise<void>): FactHandler {
  return hearing(JobFinished, (outcome, about) => concludeFire(tenantOf(about), outcome));
}
