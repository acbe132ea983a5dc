import type { Broker } from '@verifywise/broker';
import { PlatformError, fact, factNameOfEvent } from '@verifywise/contracts';
import type { HostEvent } from './event.ts';

/** Longer than a broker's restart takes, so that an ordinary restart is no failure. */
const CONFIRM_DEADLINE_MS = 30_000;

/** Resolves once RabbitMQ has confirmed the event; repeating it later is safe, as its id stays the same. */
export async function publishEvent(broker: Broker, event: HostEvent, signal?: AbortSignal): Promise<void> {
  const { eventId, tenant, emittedAt, correlationId, traceparent } = event;
  await broker.publish(
    fact<unknown>(factNameOfEvent(event.event)),
    {
      id: eventId,
      tenant,
      time: emittedAt,
      payload: payloadOf(event),
      ...(correlationId === undefined ? {} : { correlationId }),
      ...(traceparent === undefined ? {} : { traceparent }),
    },
    { deadlineMs: CONFIRM_DEADLINE_MS, ...(signal === undefined ? {} : { signal }) },
  );
}

function payloadOf({ event, payload }: HostEvent): unknown {
  try {
    return JSON.parse(payload) as unknown;
  } catch (cause) {
    throw new PlatformError('EVENT_INVALID', `The payload of ${event} in the outbox is no JSON`, { cause });
  }
}
