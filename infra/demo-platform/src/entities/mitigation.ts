import type { Change } from './entity.ts';
import { choice } from './fields.ts';

/** Fields of everything that is a risk. */
export const severity = choice('medium', 'low', 'high', 'critical');
export const mitigationStatus = choice('not_started', 'in_progress', 'deferred', 'completed');

interface Mitigated {
  mitigationStatus: string;
}

/** Says that a risk was mitigated when this change completed its mitigation. */
export function mitigation(
  change: Change<Mitigated>,
): { mitigationStatus: string; previousStatus: string } | undefined {
  if (change.kind !== 'updated') return undefined;
  const { before, after } = change;
  if (after.mitigationStatus !== 'completed' || before.mitigationStatus === 'completed') return undefined;
  return { mitigationStatus: after.mitigationStatus, previousStatus: before.mitigationStatus };
}
