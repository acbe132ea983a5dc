import { FindHolder } from '@verifywise/contracts';
import type { Member } from './membership.ts';
import { pause } from '../pause.ts';
import { assign } from './rendezvous.ts';
import type { Assignment } from './rendezvous.ts';
import type { SeatParts } from './seat.ts';
import { Seat } from './seat.ts';

/** Three beats fit into the time after which a runner counts as gone. */
const BEAT_MS = 500;
/** How long a live owner gets to register its consumer before the standby that holds its partition steps aside. */
const STEP_ASIDE_AFTER_MS = 2_000;
/** How often the owner of a partition asks who holds it, which makes the active consumer take hold. */
const PROBE_EVERY_MS = 1_000;

/** Which partitions this runner serves: membership decides the balance, the broker the exclusivity (architecture §2). */
export class Ownership {
  readonly #parts: SeatParts;
  readonly #partitions: number;
  readonly #seats = new Map<number, Seat>();
  readonly #moving = new Set<number>();
  readonly #foreignSince = new Map<number, number>();
  readonly #probedAt = new Map<number, number>();
  readonly #stop = new AbortController();
  /** True once the partitions that the first heartbeat gave are consumed. */
  started = false;
  #members: Member[] = [];
  #beating: Promise<void> = Promise.resolve();
  #beatFailing = false;

  constructor(partitions: number, parts: SeatParts) {
    this.#partitions = partitions;
    this.#parts = parts;
  }

  /** Resolves once the first heartbeat is written and the partitions it gives are consumed. */
  async start(): Promise<void> {
    await this.#tick();
    await this.#settled();
    this.started = true;
    this.#beating = this.#keepBeating();
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /** The partitions this runner holds now. */
  held(): number[] {
    return [...this.#seats.values()].filter((seat) => seat.epoch !== null).map((seat) => seat.partition);
  }

  holds(partition: number): boolean {
    return this.#seats.get(partition)?.serving ?? false;
  }

  assignment(partition: number): Assignment | null {
    return assign(partition, this.#candidates());
  }

  /** Hands every partition over and leaves the membership; the others take over within one beat. */
  async drain(deadlineMs: number): Promise<void> {
    const { records, self, log } = this.#parts;
    this.#stop.abort();
    await this.#beating;
    await records
      .beat({ ...self, draining: true })
      .catch((error: unknown) => log.warn({ err: error }, 'Could not announce the drain'));
    await this.#settled();
    await Promise.all([...this.#seats.values()].map((seat) => seat.leave(deadlineMs)));
    this.#seats.clear();
    await records.leave(self.id).catch((error: unknown) => log.warn({ err: error }, 'Could not remove the heartbeat'));
  }

  async #keepBeating(): Promise<void> {
    for (;;) {
      await pause(BEAT_MS, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      await this.#tick();
    }
  }

  async #tick(): Promise<void> {
    const { records, self, log } = this.#parts;
    try {
      this.#members = await records.beat({ ...self, draining: false });
      await this.#review();
      this.#beatFailing = false;
    } catch (error) {
      // Without the database nobody else can take over either: what runs goes on.
      if (!this.#beatFailing) log.warn({ err: error }, 'The heartbeat could not be written; trying again');
      this.#beatFailing = true;
      return;
    }
    for (let partition = 0; partition < this.#partitions; partition += 1) {
      if (!this.#moving.has(partition)) this.#arrange(partition);
    }
  }

  #arrange(partition: number): void {
    const { self } = this.#parts;
    const assignment = this.assignment(partition);
    const mine = assignment?.owner === self.id;
    const wanted = mine || assignment?.standby === self.id;
    const seat = this.#seats.get(partition);
    if (wanted && !seat) {
      this.#move(partition, () => this.#takeSeat(partition));
    } else if (seat && !wanted) {
      this.#move(partition, () => this.#giveUp(seat));
    } else if (seat && !mine && seat.epoch !== null) {
      const since = this.#foreignSince.get(partition) ?? Date.now();
      this.#foreignSince.set(partition, since);
      if (Date.now() - since < STEP_ASIDE_AFTER_MS) return;
      this.#foreignSince.delete(partition);
      this.#move(partition, async () => {
        await this.#giveUp(seat);
        await this.#takeSeat(partition);
      });
    } else {
      this.#foreignSince.delete(partition);
      if (seat && mine && seat.epoch === null) this.#probe(partition);
    }
  }

  async #takeSeat(partition: number): Promise<void> {
    const seat = new Seat(partition, this.#parts);
    await seat.open();
    this.#seats.set(partition, seat);
    this.#probedAt.delete(partition);
    if (this.assignment(partition)?.owner === this.#parts.self.id) this.#probe(partition);
  }

  async #giveUp(seat: Seat): Promise<void> {
    this.#seats.delete(seat.partition);
    await seat.leave(HAND_OVER_DEADLINE_MS);
  }

  /** A question makes whoever consumes the partition take hold of it, so that it is served before its first event. */
  #probe(partition: number): void {
    const now = Date.now();
    if (now - (this.#probedAt.get(partition) ?? 0) < PROBE_EVERY_MS) return;
    this.#probedAt.set(partition, now);
    this.#parts.broker
      .ask(FindHolder, { tenant: null, partition, payload: { partition } }, { deadlineMs: PROBE_EVERY_MS })
      .catch((error: unknown) =>
        this.#parts.log.debug({ partition, err: error }, 'Nobody has taken hold of the partition yet'),
      );
  }

  #move(partition: number, moving: () => Promise<void>): void {
    this.#moving.add(partition);
    moving()
      .catch((error: unknown) =>
        this.#parts.log.error({ partition, err: error }, 'The partition could not be moved; trying again'),
      )
      .finally(() => this.#moving.delete(partition));
  }

  async #review(): Promise<void> {
    if (this.#seats.size === 0) return;
    for (const holding of await this.#parts.records.holdings()) {
      const seat = this.#seats.get(holding.partition);
      if (!seat || this.#moving.has(holding.partition)) continue;
      const todo = seat.afterReading(holding);
      if (todo) this.#move(holding.partition, todo);
    }
  }

  #candidates(): string[] {
    return this.#members.filter((member) => !member.draining).map((member) => member.id);
  }

  async #settled(): Promise<void> {
    const until = Date.now() + HAND_OVER_DEADLINE_MS;
    while (this.#moving.size > 0 && Date.now() < until) await pause(10);
  }
}

/** Longer handlers are abandoned and redelivered to the next owner; below what container platforms give a process to stop. */
const HAND_OVER_DEADLINE_MS = 15_000;
