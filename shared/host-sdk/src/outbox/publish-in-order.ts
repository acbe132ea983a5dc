import type { HostEvent } from '../events/event.ts';
import type { WaitingEvent } from './waiting-events.ts';

/** Publishes one event; resolves once RabbitMQ has confirmed it. */
export type PublishEvent = (event: HostEvent, signal: AbortSignal) => Promise<void>;

export interface Published {
  /** What RabbitMQ has confirmed, by outbox id. */
  confirmed: string[];
  /** Why the rest has to wait, when there is a rest. */
  failure?: unknown;
}

/**
 * Publishes the events in their order without waiting for each confirm: on one channel RabbitMQ takes in what it is sent
 * in order. The first failure withdraws everything that is not on the wire yet, so that no event overtakes the failed one.
 */
export async function publishInOrder(
  events: readonly WaitingEvent[],
  publish: PublishEvent,
  stop: AbortSignal,
): Promise<Published> {
  const withdraw = new AbortController();
  const signal = AbortSignal.any([stop, withdraw.signal]);
  const confirmed: string[] = [];
  const failures: unknown[] = [];
  await Promise.all(
    events.map(async (event) => {
      try {
        await publish(event, signal);
        confirmed.push(event.id);
      } catch (error) {
        failures.push(error);
        withdraw.abort(error);
      }
    }),
  );
  return failures.length === 0 ? { confirmed } : { confirmed, failure: failures[0] };
}
