import type { TrackedDelivery } from './tracked-delivery.ts';

/** How many event ids a lane remembers, to recognise what is redelivered after a lost connection. */
const REMEMBERED = 2_000;

/** Done: handled or kept. Elsewhere: not delivered, it must come again. Later: it stays the first of this lane. */
export type LaneOutcome = 'done' | 'elsewhere' | 'later';

/** Delivers one event to the plugin; never throws for a failing plugin. A pause of the lane is told, so that it does not wait for long. */
export type LaneHandler = (tracked: TrackedDelivery, interrupted: AbortSignal) => Promise<LaneOutcome>;

/** The events of one plugin of one tenant, in order, one at a time. */
export class Lane {
  readonly #handle: LaneHandler;
  #queue: TrackedDelivery[] = [];
  #open = false;
  #running: TrackedDelivery | undefined;
  #interrupt = new AbortController();
  #lastBegun = -1;
  #until = Infinity;
  #idle: (() => void)[] = [];
  readonly #finished = new Set<string>();

  constructor(handle: LaneHandler) {
    this.#handle = handle;
  }

  get length(): number {
    return this.#queue.length + (this.#running ? 1 : 0);
  }

  /** The last delivery that has begun, by the broker's order; -1 before the first. */
  get lastBegun(): number {
    return this.#lastBegun;
  }

  push(tracked: TrackedDelivery): void {
    this.#queue.push(tracked);
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
    if (!this.#running) return;
    this.#interrupt.abort();
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Takes everything that has not begun out of the lane. */
  empty(): TrackedDelivery[] {
    const queue = this.#queue;
    this.#queue = [];
    this.#settleIdle();
    return queue;
  }

  /** Begins nothing behind this place in the broker's order. */
  beginNothingBehind(sequence: number): void {
    this.#until = sequence;
  }

  /** Begins again whatever comes. */
  beginAll(): void {
    this.#until = Infinity;
    this.#next();
  }

  /** Resolves when nothing runs and nothing may begin. */
  async finish(): Promise<void> {
    if (!this.#running && !this.#mayBegin()) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #mayBegin(): boolean {
    const head = this.#queue[0];
    return this.#open && head !== undefined && head.sequence <= this.#until;
  }

  #next(): void {
    while (!this.#running && this.#mayBegin()) {
      const tracked = this.#queue.shift() as TrackedDelivery;
      const { redelivered, envelope } = tracked.delivery;
      // Asked as late as this: what is redelivered may be what was running when it came.
      if (redelivered && this.#finished.has(envelope.id)) tracked.done();
      else this.#begin(tracked);
    }
    this.#settleIdle();
  }

  #begin(tracked: TrackedDelivery): void {
    this.#running = tracked;
    this.#lastBegun = Math.max(this.#lastBegun, tracked.sequence);
    this.#interrupt = new AbortController();
    const handled = this.#handle(tracked, this.#interrupt.signal);
    // Its handler records what fails; what it could not even record must end neither the lane nor the runner.
    void handled
      .catch((): LaneOutcome => 'done')
      .then((outcome) => {
        this.#running = undefined;
        if (outcome === 'later') this.#queue.unshift(tracked);
        if (outcome === 'done') {
          this.#remember(tracked.delivery.envelope.id);
          tracked.done();
        }
        this.#next();
      });
  }

  /** What has been idle for long is not redelivered any more. */
  forgetFinished(): void {
    this.#finished.clear();
  }

  #settleIdle(): void {
    if (this.#running || this.#mayBegin()) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
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
