import { LaneEvent } from './lane-event.ts';
import type { SubjectOf } from './lane-line.ts';
import { LaneLine } from './lane-line.ts';
import { LaneParking } from './lane-parking.ts';
import type { LaneStore } from './lane-store.ts';
import type { TrackedDelivery } from './tracked-delivery.ts';

/** How many event ids a lane remembers, to recognise what is redelivered after a lost connection. */
const REMEMBERED = 2_000;
/** So many wait in memory; the broker gives a partition 32 before it waits for one of them, and they are of all its tenants. */
const HELD = 8;
/** When no more than these wait, the next parked ones are taken back. */
const FEW = 2;

/** Done: handled or kept. Elsewhere: not delivered, it must come again. Later: it keeps its place in this lane. */
export type LaneOutcome = 'done' | 'elsewhere' | 'later';

/** Delivers one event to the plugin; never throws for a failing plugin. A pause of the lane is told, so that it does not wait for long. */
export type LaneHandler = (event: LaneEvent, interrupted: AbortSignal) => Promise<LaneOutcome>;

/** What of a plugin decides how its events are given to it. */
export interface LaneParts {
  handle: LaneHandler;
  /** Which events may be handled beside each other; none, unless it says so. */
  subjectOf?: SubjectOf;
}

/**
 * The events of one plugin of one tenant, in order, one at a time unless the plugin wants only those about the same in order. What waits for long, or is too much, is parked: the broker is told
 * that it is taken, and goes on with the events of others.
 */
export class Lane {
  readonly #handle: LaneHandler;
  readonly #parking: LaneParking;
  readonly #line: LaneLine;
  /** Too many for the queue, and on their way to the parked ones. */
  #behind: LaneEvent[] = [];
  #open = false;
  #holding = false;
  #lastBegun = -1;
  #idle: (() => void)[] = [];
  #takingBack = false;
  readonly #finished = new Set<string>();

  constructor({ handle, subjectOf = () => undefined }: LaneParts, store: LaneStore) {
    this.#handle = handle;
    this.#line = new LaneLine(subjectOf);
    this.#parking = new LaneParking(store, {
      inOrder: () => this.#line.events,
      behind: () => this.#behind,
      parked: (twice) => this.#parked(twice),
      takenBack: (events) => this.#takenBack(events),
    });
  }

  /** Nothing runs and nothing waits. */
  get empty(): boolean {
    return this.#line.events.length === 0 && this.#behind.length === 0 && !this.#parking.beyond;
  }

  /** How many events run or wait, wherever they are kept. */
  get length(): number {
    return [...this.#line.events, ...this.#behind].filter((event) => event.position === undefined).length + this.parked;
  }

  /** How many of them are parked. */
  get parked(): number {
    return this.#parking.parked;
  }

  /** When the first of them was sent; undefined when none is in memory. */
  get oldest(): string | undefined {
    return this.#line.events[0]?.envelope.time;
  }

  /** The last delivery that has begun, by the broker's order; -1 before the first. */
  get lastBegun(): number {
    return this.#lastBegun;
  }

  /** So many were parked by whoever held the partition before. */
  knowParked(parked: number): void {
    this.#parking.know(parked);
    this.#next();
  }

  /** Takes in what `park` parks behind everything that waits. */
  async parkBehind<Parked extends { replayed: number } | null>(park: () => Promise<Parked>): Promise<Parked> {
    const parked = await this.#parking.parkBehind(park);
    this.#next();
    return parked;
  }

  push(tracked: TrackedDelivery): void {
    const event = LaneEvent.delivered(tracked);
    if (this.#parking.beyond || this.#line.waiting.length >= HELD) {
      this.#parking.beyond = true;
      this.#behind.push(event);
      this.#parking.parkAll();
    } else this.#line.push(event);
    this.#next();
  }

  /** Delivers from now on. */
  resume(): void {
    this.#open = true;
    this.#next();
  }

  /** Delivers nothing more; resolves when what runs has finished. */
  async pause(): Promise<void> {
    this.#open = false;
    await this.#interrupted();
  }

  /** Parks what the broker has kept for so long, and everything with it. */
  parkOlderThan(ms: number): void {
    const oldest = this.#line.events.find((event) => event.keptByBroker);
    if (oldest && performance.now() - oldest.cameAt > ms) this.#parking.parkAll();
  }

  /** Keeps what an event waits for; the ones behind it wait as long, so they are parked with it. */
  keepRetry(event: LaneEvent): void {
    this.#parking.parkAll();
    void this.#parking.keepRetry(event);
  }

  /** Takes everything that has not begun out of the lane; nobody waits for it any more. */
  drop(giveUp: (event: LaneEvent) => Promise<void>): Promise<void> {
    const dropped = [...this.#line.waiting, ...this.#behind];
    this.#forget(() => true);
    return this.#parking.drop(dropped, this.#interrupted(), giveUp);
  }

  /** It all waits elsewhere. */
  leave(): void {
    this.#forget(() => true);
  }

  /** Its channel is gone: what the broker keeps will be delivered again. */
  forgetUndelivered(): void {
    this.#forget((event) => event.keptByBroker && !event.beingParked);
  }

  /** Begins nothing more, for a hand-over. */
  hold(): void {
    this.#holding = true;
  }

  /** Begins again whatever comes. */
  goOn(): void {
    this.#holding = false;
    this.#next();
  }

  /**
   * Resolves when nothing runs, and everything up to this place in the broker's order is done or parked: other plugins have begun
   * these, and are not given them again.
   */
  async finish(sequence: number): Promise<void> {
    this.hold();
    await this.#interrupted();
    await this.#parking.parkUpTo(sequence);
    await this.#parking.settled();
  }

  /** What has been idle for long is not redelivered any more. */
  forgetFinished(): void {
    this.#finished.clear();
  }

  get #mayBegin(): boolean {
    return this.#open && !this.#holding;
  }

  async #interrupted(): Promise<void> {
    if (this.#line.running === 0) return;
    this.#line.interruptAll();
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #next(): void {
    while (this.#mayBegin) {
      const event = this.#line.next();
      if (!event) break;
      // Asked as late as this: what is redelivered may be what was running when it came.
      if (event.redelivered && this.#finished.has(event.envelope.id)) {
        this.#line.remove(event);
        this.#parking.finish(event);
      } else this.#begin(event);
    }
    if (this.#mayBegin && this.#parking.beyond && this.#line.waiting.length <= FEW) this.#takeBack();
    if (this.#line.running > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  #begin(event: LaneEvent): void {
    this.#lastBegun = Math.max(this.#lastBegun, event.sequence);
    const handled = this.#handle(event, this.#line.begin(event));
    // Its handler records what fails; what it could not even record must end neither the lane nor the runner.
    void handled
      .catch((): LaneOutcome => 'done')
      .then((outcome) => {
        if (outcome === 'later') this.#line.putBack(event);
        else this.#line.remove(event);
        if (outcome === 'done') {
          this.#remember(event.envelope.id);
          this.#parking.finish(event);
        }
        this.#next();
      });
  }

  #parked(twice: LaneEvent[]): void {
    this.#line.removeWaiting((event) => twice.includes(event));
    this.#behind = this.#behind.filter((event) => event.keptByBroker);
  }

  #takeBack(): void {
    if (this.#takingBack) return;
    this.#takingBack = true;
    void this.#parking.takeBack().then((taken) => {
      this.#takingBack = false;
      if (taken) this.#next();
    });
  }

  #takenBack(events: LaneEvent[]): boolean {
    this.#line.push(...events);
    return this.#behind.length > 0;
  }

  #forget(goes: (event: LaneEvent) => boolean): void {
    this.#line.removeWaiting(goes);
    this.#behind = this.#behind.filter((event) => !goes(event));
  }

  #remember(id: string): void {
    this.#finished.add(id);
    if (this.#finished.size > REMEMBERED) {
      for (const oldest of this.#finished) {
        this.#finished.delete(oldest);
        break;
      }
    }
  }
}
