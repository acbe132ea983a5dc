import type { Broker } from '@verifywise/broker';
import { FindSurface, type Surface } from '@verifywise/contracts';

/** Whoever plans an update does not wait for a runner that is not there. */
const ANSWER_DEADLINE_MS = 2_000;

/** What an enabled plugin offers, as its runner reported it; null when it is not enabled or no runner says. */
export function surfaceOf(broker: Broker, tenant: string, pluginId: string): Promise<Surface | null> {
  return broker
    .ask(FindSurface, { tenant, payload: { pluginId } }, { deadlineMs: ANSWER_DEADLINE_MS })
    .catch(() => null);
}
