import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import type { Broker } from '@verifywise/broker';
import { PlatformError, fact, factNameOfEvent } from '@verifywise/contracts';
import { asJson } from './as-json.ts';

/** `plugin:<id>:<name>` of the plugin's own id, and what every plugin may say. */
const OPEN_EVENTS = new Set(['notification:send']);
const NAME_PART = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
/** An event is news, not a file. */
const LARGEST_PAYLOAD_BYTES = 256 * 1024;
const LONGEST_SHOWN = 200;

/** An event of a plugin's own as it is published: the fact's name, and what is said with it. */
export interface PluginEvent {
  fact: string;
  message: { id: string; time: Date; tenant: string; payload: Record<string, unknown> };
}

/** Publishes an event of a plugin's own; resolves once the broker has it. */
export async function publishPluginEvent(
  broker: Pick<Broker, 'publish'>,
  tenant: string,
  pluginId: string,
  event: unknown,
  payload: unknown,
): Promise<void> {
  const { fact: name, message } = pluginEvent(tenant, pluginId, event, payload);
  await broker.publish(fact<object>(name), message);
}

/** Throws EVENT_INVALID when the plugin may not emit it, or when it is no event. */
export function pluginEvent(tenant: string, pluginId: string, event: unknown, payload: unknown): PluginEvent {
  const name = ownEventName(pluginId, event);
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    throw new PlatformError('EVENT_INVALID', `The payload of ${name} is not an object`);
  }
  const size = Buffer.byteLength(asJson(payload, { what: `The payload of ${name}`, code: 'EVENT_INVALID' }));
  if (size > LARGEST_PAYLOAD_BYTES) {
    throw new PlatformError(
      'EVENT_INVALID',
      `The payload of ${name} has ${size} bytes; at most ${LARGEST_PAYLOAD_BYTES} travel`,
    );
  }
  const id = randomUUID();
  const time = new Date();
  const said = { ...payload, tenant, eventId: id, timestamp: time.toISOString(), source: `plugin:${pluginId}` };
  return { fact: factNameOfEvent(name), message: { id, time, tenant, payload: said } };
}

function ownEventName(pluginId: string, event: unknown): string {
  if (typeof event === 'string') {
    if (OPEN_EVENTS.has(event)) return event;
    const [scope, owner, name, ...more] = event.split(':');
    if (scope === 'plugin' && owner === pluginId && name !== undefined && NAME_PART.test(name) && more.length === 0)
      return event;
  }
  throw new PlatformError(
    'EVENT_INVALID',
    `${pluginId} may not emit ${shown(event)}; its own events are named plugin:${pluginId}:<name>`,
  );
}

/** A name may be as long as a plugin likes; its beginning says which it was. */
function shown(event: unknown): string {
  return inspect(typeof event === 'string' ? event.slice(0, LONGEST_SHOWN) : event, { depth: 0 }).slice(
    0,
    LONGEST_SHOWN,
  );
}
