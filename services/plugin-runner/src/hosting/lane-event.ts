import type { Envelope } from '@verifywise/contracts';
import type { EventRetry } from './event-retries.ts';
import type { ParkedEvent } from './parked-events.ts';
import type { TrackedDelivery } from './tracked-delivery.ts';

/** What is parked was delivered before everything that the broker still keeps. */
const BEFORE_ALL = -1;

/** One event on its way to one plugin: the broker keeps it until it is handled, or until it is parked. */
export class LaneEvent {
  readonly envelope: Envelope;
  readonly redelivered: boolean;
  /** The order in which the broker delivered. */
  readonly sequence: number;
  readonly cameAt = performance.now();
  /** What some handlers have failed at and are to be called again for. */
  retry: EventRetry | undefined;
  /** Its place among the parked ones of its lane. */
  position: number | undefined;
  /** Is on its way to the parked ones: who keeps it is known in a moment. */
  beingParked = false;
  /** The plugin is done with it. */
  done = false;
  #tracked: TrackedDelivery | undefined;

  private constructor(envelope: Envelope, { redelivered = false, sequence = BEFORE_ALL } = {}) {
    this.envelope = envelope;
    this.redelivered = redelivered;
    this.sequence = sequence;
  }

  static delivered(tracked: TrackedDelivery): LaneEvent {
    const { envelope, redelivered } = tracked.delivery;
    const event = new LaneEvent(envelope, { redelivered, sequence: tracked.sequence });
    event.#tracked = tracked;
    return event;
  }

  static parked({ envelope, retry, position }: ParkedEvent): LaneEvent {
    const event = new LaneEvent(envelope);
    event.retry = retry;
    event.position = position;
    return event;
  }

  get keptByBroker(): boolean {
    return this.#tracked !== undefined;
  }

  /** The broker may forget it, as far as this plugin is concerned. */
  release(): void {
    this.#tracked?.done();
    this.#tracked = undefined;
  }
}
