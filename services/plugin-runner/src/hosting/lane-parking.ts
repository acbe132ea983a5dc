import { LaneEvent } from './lane-event.ts';
import type { LaneStore } from './lane-store.ts';

/** How many parked events are taken back at once. */
const TAKEN_BACK = 32;

/** What a lane has in memory, when the turn of its parking has come. */
export interface LaneMemory {
  /** In order, those that run among them; these stay. */
  inOrder(): readonly LaneEvent[];
  /** Behind them; these go, because the database has them then. */
  behind(): LaneEvent[];
  /** All of them are parked now, but these were parked before and came twice. */
  parked(twice: LaneEvent[]): void;
  /** Behind those in order; answers whether more are on their way behind them. */
  takenBack(events: LaneEvent[]): boolean;
}

/**
 * The parked events of one lane, with one question to the database at a time. When any event of a lane is parked, all before it that
 * are not done are parked too: what the broker delivers again, here or to the next holder, belongs behind them.
 */
export class LaneParking {
  /** There may be parked events that the lane does not have in memory: what comes goes behind them. */
  beyond = false;
  readonly #store: LaneStore;
  readonly #memory: LaneMemory;
  #turn: Promise<unknown> = Promise.resolve();
  /** The place of the last parked event that the lane has, or has had, in memory. */
  #taken = 0;
  #parked = 0;
  #used = false;
  #wanted = false;
  #finished: number[] = [];
  #removing: Promise<void> | undefined;

  constructor(store: LaneStore, memory: LaneMemory) {
    this.#store = store;
    this.#memory = memory;
  }

  /** How many are parked, whether the lane has them in memory or not. */
  get parked(): number {
    return this.#parked;
  }

  /** So many were parked when this runner took the partition over. */
  know(parked: number): void {
    if (parked === 0) return;
    this.#parked = parked;
    this.#used = true;
    this.beyond = true;
  }

  /** Parks everything that the broker keeps, and behind it what `park` parks. */
  parkBehind<Parked extends { replayed: number } | null>(park: () => Promise<Parked>): Promise<Parked> {
    return this.#inTurn(async () => {
      await this.#park();
      const parked = await park();
      this.#parked += parked?.replayed ?? 0;
      this.#used = true;
      this.beyond = true;
      return parked;
    });
  }

  /** Parks everything that the broker keeps. */
  parkAll(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    void this.#inTurn(() => {
      // What comes from here on is parked the next time.
      this.#wanted = false;
      return this.#park();
    });
  }

  /** Parks what the broker keeps up to this place in its order. */
  parkUpTo(sequence: number): Promise<void> {
    return this.#inTurn(() => this.#park(sequence));
  }

  /** Takes the next ones back that the lane does not have in memory; false when the plugin has left this runner. */
  async takeBack(): Promise<boolean> {
    let took = false;
    await this.#inTurn(async () => {
      const found = await this.#store.after(this.#taken, TAKEN_BACK);
      if (found === null) return;
      took = true;
      this.#taken = found.at(-1)?.position ?? this.#taken;
      const more = this.#memory.takenBack(found.map((parked) => LaneEvent.parked(parked)));
      this.beyond = more || found.length === TAKEN_BACK;
      if (!this.beyond) this.#parked = this.#memory.inOrder().filter(({ position }) => position !== undefined).length;
    });
    return took;
  }

  /** The plugin is done with it. */
  finish(event: LaneEvent): void {
    event.done = true;
    // Where it is kept is known in a moment.
    if (event.beingParked) return;
    if (event.position === undefined) {
      event.release();
      return;
    }
    this.#finished.push(event.position);
    this.#parked = Math.max(0, this.#parked - 1);
    this.#removing ??= this.#removeFinished();
  }

  /** Keeps what an event waits for, where whoever holds the partition next finds it. */
  keepRetry(event: LaneEvent): Promise<void> {
    return this.#inTurn(async () => {
      if (event.position !== undefined && !event.done) await this.#store.keepRetry(event.position, event.retry);
    });
  }

  /**
   * Nobody waits any more for these, nor for any other that is parked when what runs has finished; those that wait to be tried again
   * are given up.
   */
  drop(dropped: LaneEvent[], finished: Promise<void>, giveUp: (event: LaneEvent) => Promise<void>): Promise<void> {
    this.beyond = false;
    return this.#inTurn(async () => {
      await finished;
      await this.#removing;
      const given = new Set(dropped.map(({ position }) => position));
      for (const event of dropped) await giveUp(event);
      if (this.#used) {
        const others = (await this.#store.withRetry()).filter(({ position }) => !given.has(position));
        for (const other of others) await giveUp(LaneEvent.parked(other));
        await this.#store.removeAll();
        this.#parked = 0;
      }
      for (const event of dropped) event.release();
    });
  }

  /** Resolves when the database knows all that was said here. */
  async settled(): Promise<void> {
    await this.#turn;
    await this.#removing;
  }

  async #park(upTo = Infinity): Promise<void> {
    const stay = new Set(this.#memory.inOrder());
    const events = [...stay, ...this.#memory.behind()].filter(
      (event) => event.keptByBroker && !event.done && event.sequence <= upTo,
    );
    if (events.length === 0) return;
    this.#used = true;
    for (const event of events) event.beingParked = true;
    const places = await this.#store.add(events);
    for (const event of events) event.beingParked = false;
    if (places !== null) this.#memory.parked(events.filter((event) => !this.#parkedAt(event, places, stay.has(event))));
    // What was finished meanwhile, and is not parked, is the broker's to forget.
    for (const event of events) if (event.done && event.keptByBroker) event.release();
  }

  /** False when it was parked before. */
  #parkedAt(event: LaneEvent, places: Map<string, number>, stays: boolean): boolean {
    const { id } = event.envelope;
    const place = places.get(id);
    // Of two of the same the first one has the place.
    places.delete(id);
    event.release();
    if (place === undefined) return false;
    event.position = place;
    this.#parked += 1;
    if (stays) this.#taken = Math.max(this.#taken, place);
    if (event.done) this.finish(event);
    return true;
  }

  async #removeFinished(): Promise<void> {
    while (this.#finished.length > 0) {
      const positions = this.#finished;
      this.#finished = [];
      await this.#store.remove(positions);
    }
    this.#removing = undefined;
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}
