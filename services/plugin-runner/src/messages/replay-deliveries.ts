import type { WorkDelivery } from '@verifywise/broker';
import type { ErrorAnswer, ReplayRequest } from '@verifywise/contracts';
import { PlatformError, errorAnswer } from '@verifywise/contracts';
import type { DeliveryReplays } from '../hosting/failed-deliveries.ts';
import type { Hosting } from '../hosting/hosting.ts';

/** `runner.replay-deliveries`: failed deliveries wait for their plugin again, behind all that waits for it. */
export function replayDeliveries(hosting: Hosting, replays: DeliveryReplays) {
  return async ({ pluginId, selection, actor }: ReplayRequest, delivery: WorkDelivery): Promise<void> => {
    const tenant = delivery.envelope.tenant as string;
    const replayed = hosting.replay(tenant, pluginId, (tenure) =>
      replays.replay({ tenant, pluginId }, { selection, actor }, tenure),
    );
    delivery.reply(await replayed.catch((error: unknown) => refusalOf(pluginId, error)));
    delivery.ack();
  };
}

/** What is wrong with the request is answered; everything else is tried again, here or by whoever holds the partition. */
function refusalOf(pluginId: string, error: unknown): { error: ErrorAnswer } {
  const refused = error instanceof PlatformError && (error.code as string).startsWith('PLUGIN_');
  if (!refused) throw error;
  // To a caller of its routes it is not there; an admin finds it, in a state in which it takes nothing.
  return { error: error.code === 'PLUGIN_NOT_ENABLED' ? disabled(pluginId) : errorAnswer(error) };
}

function disabled(pluginId: string): ErrorAnswer {
  const enable = `POST /api/plugins/${pluginId}/enable`;
  return {
    code: 'PLUGIN_DISABLED',
    message: `${pluginId} is not enabled, and its failed deliveries stay; enable it (${enable}) and replay them then`,
  };
}
