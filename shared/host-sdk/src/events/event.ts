import { randomUUID } from 'node:crypto';
import { PlatformError, isTenant } from '@verifywise/contracts';
import { checkPayload, isPlatformEvent } from './check-payload.ts';

/** An event on its way to the broker: complete, and the same on every attempt to publish it. */
export interface HostEvent {
  eventId: string;
  event: string;
  tenant: string;
  emittedAt: Date;
  /** The payload as JSON, with eventId, tenant, timestamp and source in it. */
  payload: string;
  correlationId?: string;
  traceparent?: string;
}

export interface EventOptions {
  /** Which host sends it; plugins see it as `source`. */
  source: string;
  /** Whether the fields of the platform's own events are checked. */
  checked: boolean;
  correlationId?: string | undefined;
  traceparent?: string | undefined;
}

/** Names become routing keys, where a dot separates words and 255 bytes are the end. */
const EVENT_NAME = /^(?=.{3,150}$)[A-Za-z][A-Za-z0-9_-]*(:[A-Za-z0-9_-]+)+$/;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Well under what every RabbitMQ accepts in one message (16 MB), because an event the broker refuses would hold up all that follow. */
const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024;

/** Completes what the host gave. Throws EVENT_INVALID for what no plugin could ever receive. */
export function makeEvent(event: string, given: Readonly<Record<string, unknown>>, options: EventOptions): HostEvent {
  const { tenant, eventId = randomUUID(), timestamp = new Date() } = given;
  if (!EVENT_NAME.test(event)) throw invalid(`"${event}" is no event name: write entity:action`);
  if (!isTenant(tenant)) throw invalid(`${event} needs a tenant: letters, digits, _ and -, at most 64`);
  if (typeof eventId !== 'string' || !UUID.test(eventId)) throw invalid(`The eventId of ${event} must be a UUID`);
  if (!(timestamp instanceof Date) || Number.isNaN(timestamp.getTime())) {
    throw invalid(`The timestamp of ${event} must be a Date`);
  }
  if (options.checked) checkName(event);
  if (options.checked) checkPayload(event, given);
  const payload = toJson(event, { ...given, eventId, tenant, timestamp, source: options.source });
  return {
    eventId,
    event,
    tenant,
    emittedAt: timestamp,
    payload,
    ...(options.correlationId === undefined ? {} : { correlationId: options.correlationId }),
    ...(options.traceparent === undefined ? {} : { traceparent: options.traceparent }),
  };
}

function checkName(event: string): void {
  const [entity = ''] = event.split(':');
  if (isPlatformEvent(event) || entity === 'plugin') return;
  // A host may have events of its own, but `risk:creatd` is a slip of the pen that no plugin will ever hear.
  if (isPlatformEvent(`${entity}:created`) || isPlatformEvent(`${entity}:updated`)) {
    throw invalid(`${event} is not one of the platform's events about ${entity}`);
  }
}

function toJson(event: string, payload: object): string {
  let json: string;
  try {
    json = JSON.stringify(payload);
  } catch (cause) {
    throw new PlatformError('EVENT_INVALID', `The payload of ${event} cannot be written as JSON`, { cause });
  }
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_PAYLOAD_BYTES) {
    throw invalid(`The payload of ${event} has ${bytes} bytes; ${MAX_PAYLOAD_BYTES} is the most an event can carry`);
  }
  return json;
}

function invalid(message: string): PlatformError {
  return new PlatformError('EVENT_INVALID', message);
}
