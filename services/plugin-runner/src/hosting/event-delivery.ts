import { randomUUID } from 'node:crypto';
import type { Delivery } from '@verifywise/broker';
import type { Logger } from '@verifywise/service-kit';
import { eventOfFact } from './event-names.ts';
import type { FailedDeliveries } from './failed-deliveries.ts';
import type { HostedPlugin } from './hosted-plugin.ts';
import { pause } from '../pause.ts';

/** While the database is away the event waits here, unacknowledged; nothing of it is lost. */
const STORE_AGAIN_MS = 200;
const STORE_AGAIN_AT_MOST_MS = 5_000;

/**
 * Gives one event to the plugin. True when the event is done with: handled, or failed and kept as a failed delivery.
 * False when it must come again, because the plugin left this runner before its failure could be recorded.
 */
export async function deliverToPlugin(
  plugin: HostedPlugin,
  delivery: Delivery,
  failures: FailedDeliveries,
  log: Logger,
): Promise<boolean> {
  const { envelope } = delivery;
  const event = eventOfFact(envelope.type);
  if (plugin.surface && !plugin.surface.events.includes(event)) return true;
  const errors = await handle(plugin, event, delivery);
  if (errors.length === 0) return true;
  // What a plugin failed at because it was leaving is done again where it is next.
  if (plugin.gone === 'moved') return false;
  const { tenant, pluginId, installation } = plugin;
  for (const error of errors) {
    plugin.log('error', `The handler of ${event} failed: ${error.message}`, {
      eventId: envelope.id,
      stack: error.stack,
    });
    const failed = { id: randomUUID(), tenant, pluginId, version: installation.version, event, envelope, error };
    if (!(await stored(() => failures.add(failed), plugin, log))) return false;
  }
  return true;
}

async function handle(plugin: HostedPlugin, event: string, { envelope }: Delivery) {
  const payload = typeof envelope.payload === 'object' && envelope.payload !== null ? envelope.payload : {};
  try {
    // Tenant and id come from the envelope: a payload is what somebody wrote.
    const answer = await plugin.deliver({
      event,
      payload: {
        timestamp: envelope.time,
        source: envelope.source,
        ...payload,
        tenant: plugin.tenant,
        eventId: envelope.id,
      },
    });
    return answer.errors;
  } catch (error) {
    return [{ message: (error as Error).message, stack: undefined }];
  }
}

async function stored(store: () => Promise<void>, plugin: HostedPlugin, log: Logger): Promise<boolean> {
  for (let attempt = 1; !plugin.gone; attempt += 1) {
    try {
      await store();
      return true;
    } catch (error) {
      log.warn(
        { err: error, attempt, tenant: plugin.tenant, pluginId: plugin.pluginId },
        'A failed delivery could not be stored yet',
      );
      await pause(Math.min(STORE_AGAIN_MS * attempt, STORE_AGAIN_AT_MOST_MS));
    }
  }
  return false;
}
