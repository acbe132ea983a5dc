import type { WorkDelivery } from '@verifywise/broker';
import type { ReplayOutcome, ReplayRequest } from '@verifywise/contracts';
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
    delivery.reply(await replayed.catch(refusalOf));
    delivery.ack();
  };
}

/** What is wrong with the request is answered; everything else is tried again, here or by whoever holds the partition. */
function refusalOf(error: unknown): ReplayOutcome | { error: ReturnType<typeof errorAnswer> } {
  const refused = error instanceof PlatformError && (error.code as string).startsWith('PLUGIN_');
  if (!refused) throw error;
  return { error: errorAnswer(error) };
}
