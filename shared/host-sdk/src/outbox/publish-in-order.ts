import type { HostEvent } from '../events/event.ts';
import type { WaitingEvent } from './waiting-events.ts';

/** Publishes one event; resolves once RabbitMQ has confirmed it. */
export type PublishEvent = (event: HostEvent, signal: AbortSignal) => Promise<void>;

export interface Published {
  /** What RabbitMQ has confirmed, by outbox id. */
  confirmed: string[];
  /** What no attempt will ever publish, and why. */
  unpublishable: { id: string; reason: string }[];
  /** Why the rest has to wait, when there is a rest. */
  failure?: unknown;
}

/** What says that the event itself is the trouble; a host that writes the outbox by its own SQL can make such ones. */
const NEVER = ['TOO_LARGE', 'BAD_REQUEST', 'EVENT_INVALID'];

/**
 * Publishes the events in their order without waiting for each confirm: on one channel RabbitMQ takes in what it is sent
 * in order. The first failure withdraws everything that is not on the wire yet, so that no event overtakes the failed one. One that can never be published holds up
 * nothing.
 */
export async function publishInOrder(
  events: readonly WaitingEvent[],
  publish: PublishEvent,
  stop: AbortSignal,
): Promise<Published> {
  const withdraw = new AbortController();
  const signal = AbortSignal.any([stop, withdraw.signal]);
  const confirmed: string[] = [];
  const unpublishable: Published['unpublishable'] = [];
  const failures: unknown[] = [];
  await Promise.all(
    events.map(async (event) => {
      try {
        await publish(event, signal);
        confirmed.push(event.id);
      } catch (error) {
        const { code = '', message } = error as { code?: string; message: string };
        if (NEVER.includes(code)) {
          unpublishable.push({ id: event.id, reason: `${code}: ${message}` });
          return;
        }
        failures.push(error);
        withdraw.abort(error);
      }
    }),
  );
  return { confirmed, unpublishable, ...(failures.length === 0 ? {} : { failure: failures[0] }) };
}
