import type { LaneEvent } from './lane-event.ts';

/** So many events of one lane are handled at the same time, when their plugin has asked for that. */
const BESIDE_EACH_OTHER = 8;

/**
 * What an event is about: those about the same come in order, and beside others. Undefined when it waits for everything before it, and
 * everything behind it waits for it.
 */
export type SubjectOf = (event: LaneEvent) => string | undefined;

interface Running {
  subject: string | undefined;
  interrupt: AbortController;
}

/** The events that a lane has in memory, in order: those that run, and those that wait. */
export class LaneLine {
  readonly #subjectOf: SubjectOf;
  #events: LaneEvent[] = [];
  readonly #running = new Map<LaneEvent, Running>();

  constructor(subjectOf: SubjectOf) {
    this.#subjectOf = subjectOf;
  }

  /** Running and waiting ones. */
  get events(): readonly LaneEvent[] {
    return this.#events;
  }

  get running(): number {
    return this.#running.size;
  }

  get waiting(): LaneEvent[] {
    return this.#events.filter((event) => !this.#running.has(event));
  }

  push(...events: LaneEvent[]): void {
    this.#events.push(...events);
  }

  /** The first that need not wait for any other. */
  next(): LaneEvent | undefined {
    if (this.#running.size >= BESIDE_EACH_OTHER) return undefined;
    const before = new Set<string>();
    for (const event of this.#events) {
      const running = this.#running.get(event);
      const subject = running ? running.subject : this.#subjectOf(event);
      if (!running && subject === undefined) return before.size === 0 ? event : undefined;
      if (subject === undefined) return undefined;
      if (!running && !before.has(subject)) return event;
      before.add(subject);
    }
    return undefined;
  }

  /** It runs from now on; its signal is given when the lane is paused. */
  begin(event: LaneEvent): AbortSignal {
    const interrupt = new AbortController();
    this.#running.set(event, { subject: this.#subjectOf(event), interrupt });
    return interrupt.signal;
  }

  /** It does not run any more, and waits where it was. */
  putBack(event: LaneEvent): void {
    this.#running.delete(event);
  }

  /** It is not of this lane any more. */
  remove(event: LaneEvent): void {
    this.#running.delete(event);
    this.#events = this.#events.filter((other) => other !== event);
  }

  /** Takes these out, unless they run. */
  removeWaiting(goes: (event: LaneEvent) => boolean): void {
    this.#events = this.#events.filter((event) => this.#running.has(event) || !goes(event));
  }

  interruptAll(): void {
    for (const { interrupt } of this.#running.values()) interrupt.abort();
  }
}
