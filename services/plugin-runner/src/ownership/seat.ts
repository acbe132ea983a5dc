import type { Broker, Delivery, PartitionConsumer, QuestionAnswer, WorkDelivery } from '@verifywise/broker';
import { answering } from '@verifywise/broker';
import type { PartitionHolder } from '@verifywise/contracts';
import { FindHolder, PlatformError } from '@verifywise/contracts';
import type { Logger } from '@verifywise/service-kit';
import type { Claim, Holding, OwnershipRecords } from './membership.ts';
import { pause } from '../pause.ts';

/** How often a runner that receives deliveries of a partition asks whether the holder before it has let go. */
const CLAIM_AGAIN_MS = 100;
/**
 * A holder that is still alive after this long has a working consumer somewhere: the queues of the partition are split between
 * two runners, and the one without the holding makes room. Longer than a dead runner's heartbeat stays fresh.
 */
const SPLIT_AFTER_MS = 5_000;
/** What has begun is settled before the hand-over; this is for the answers that are being given. */
const LAST_ANSWERS_MS = 200;

/** The tenants of the partitions a runner holds. */
export interface PartitionTenants {
  /** Gets everything of the partition ready; called with the same epoch again after a lost connection. */
  takeOver(partition: number, epoch: number): Promise<void>;
  event(partition: number, delivery: Delivery): void;
  work(partition: number, delivery: WorkDelivery): void;
  /** Drops what has not begun: it will be redelivered. */
  forgetUndelivered(partition: number): void;
  /** Resolves once what has begun is finished and settled, and nothing new begins; at the latest after `deadlineMs`. */
  finish(partition: number, deadlineMs: number): Promise<void>;
  /** Ends the partition's isolates; gracefully with their `onUnload`. */
  release(partition: number, how: 'gracefully' | 'at-once'): Promise<void>;
}

export interface SeatParts {
  broker: Broker;
  records: OwnershipRecords;
  tenants: PartitionTenants;
  self: { id: string; url: string };
  /** Questions about the tenants of a partition, answered only by the runner that holds it. */
  answers: QuestionAnswer[];
  log: Logger;
}

/** While the broker is away, opening has waited for it already. */
const OPEN_AGAIN_MS = 500;

interface Waiting {
  delivery: Delivery;
  take: () => void;
}

/**
 * This runner's consumer of one partition, as owner or standby. Single active consumer decides who gets deliveries; whoever gets one
 * claims the partition's row before touching it, so that two runners never host the same tenant, whatever the queues do.
 */
export class Seat {
  readonly partition: number;
  /** The epoch under which this runner holds the partition; null while it does not. */
  epoch: number | null = null;
  readonly #parts: SeatParts;
  /** The epoch under which isolates run here; they go on while a lost channel is opened again. */
  #hosting: number | null = null;
  #consumer: PartitionConsumer | undefined;
  #claiming: Promise<void> | undefined;
  #releasing: Promise<void> = Promise.resolve();
  #waiting: Waiting[] = [];
  /** Grows with every channel, so that a claim notices when what it was made for has gone elsewhere. */
  #channel = 0;
  #leaving = false;

  constructor(partition: number, parts: SeatParts) {
    this.partition = partition;
    this.#parts = parts;
  }

  /** Whether something new may begin here. */
  get serving(): boolean {
    return this.epoch !== null && !this.#leaving;
  }

  async open(): Promise<void> {
    const { broker, tenants, answers } = this.#parts;
    this.#consumer = await broker.consumePartition(this.partition, {
      event: (delivery) => this.#whenHeld(delivery, () => tenants.event(this.partition, delivery)),
      work: (delivery) => this.#whenHeld(delivery, () => tenants.work(this.partition, delivery)),
      answers: [answering(FindHolder, () => this.#holder()), ...answers.map((answer) => this.#onceHeld(answer))],
      lost: (reason) => this.#lost(reason),
    });
  }

  /** Finishes what has begun, lets the broker wake the next consumer, and only then gives the partition away. */
  async leave(deadlineMs: number): Promise<void> {
    const { tenants } = this.#parts;
    this.#leaving = true;
    this.#waiting = [];
    await this.#claiming;
    if (this.#hosting !== null) await tenants.finish(this.partition, deadlineMs);
    await this.#consumer?.handOver({ deadlineMs: LAST_ANSWERS_MS });
    if (this.#hosting === null) return;
    this.epoch = null;
    this.#hosting = null;
    await this.#endIsolates('gracefully');
    await this.#release();
  }

  /** Whatever becomes of them, the partition goes on to whoever holds it next. */
  async #endIsolates(how: 'gracefully' | 'at-once'): Promise<void> {
    const { tenants, log } = this.#parts;
    await tenants
      .release(this.partition, how)
      .catch((error: unknown) => log.error({ partition: this.partition, err: error }, 'Isolates did not end in order'));
  }

  /** What must be done when the partition's row says this: end what counts no more, or let go of what nobody here serves. */
  afterReading({ runnerId, epoch, released }: Holding): (() => Promise<void>) | undefined {
    const { self, log } = this.#parts;
    if (this.#leaving) return undefined;
    // A row read before our own claim is older than it, and says nothing.
    if (this.#hosting !== null && epoch > this.#hosting) {
      const about = { partition: this.partition, holder: runnerId, epoch };
      log.warn(about, 'Another runner holds the partition; ending what still runs here');
      return () => this.#deposed();
    }
    const unserved = runnerId === self.id && !released && this.epoch === null && !this.#claiming;
    return unserved ? () => this.#release() : undefined;
  }

  async #deposed(): Promise<void> {
    this.epoch = null;
    this.#hosting = null;
    await this.#endIsolates('at-once');
    await this.#makeRoom();
  }

  async #holder(): Promise<PartitionHolder> {
    const { self } = this.#parts;
    if (this.epoch === null) await this.#claim();
    if (this.epoch === null)
      throw new PlatformError('NOT_THE_OWNER', `Partition ${this.partition} is changing hands; ask again`);
    return { runnerId: self.id, url: self.url, epoch: this.epoch };
  }

  /** Asked before it is held, the partition is taken hold of first; until it is handed over, its isolates are here to answer. */
  #onceHeld({ answer, ...question }: QuestionAnswer): QuestionAnswer {
    return {
      ...question,
      answer: async (payload, about) => {
        await this.#holder();
        return answer(payload, about);
      },
    };
  }

  #whenHeld(delivery: Delivery, take: () => void): void {
    if (this.#leaving) return;
    if (this.epoch !== null && this.#waiting.length === 0) {
      take();
      return;
    }
    this.#waiting.push({ delivery, take });
    void this.#claim();
  }

  #claim(): Promise<void> {
    this.#claiming ??= this.#claimUntilHeld()
      .catch((error: unknown) =>
        this.#parts.log.error({ partition: this.partition, err: error }, 'Could not take over the partition'),
      )
      .finally(() => {
        this.#claiming = undefined;
        // Delivered while room was made for somebody else: its turn is now.
        if (this.#waiting.length > 0 && !this.#leaving) void this.#claim();
      });
    return this.#claiming;
  }

  async #claimUntilHeld(): Promise<void> {
    const { self, log } = this.#parts;
    const since = performance.now();
    const channel = this.#channel;
    while (!this.#leaving && this.epoch === null) {
      const claim = await this.#tryToClaim();
      // The channel that this was delivered through is gone: whoever gets it next claims.
      if (this.#channel !== channel && this.#waiting.length === 0) {
        if (claim?.kind === 'held') await this.#release();
        return;
      }
      if (claim?.kind === 'held') {
        this.epoch = claim.epoch;
        log.info({ partition: this.partition, epoch: claim.epoch, runner: self.id }, 'Holding the partition');
      } else if (claim && performance.now() - since > SPLIT_AFTER_MS) {
        log.warn(
          { partition: this.partition, holder: claim.by },
          'The partition is held by a live runner; making room',
        );
        await this.#makeRoom();
        return;
      } else {
        await pause(CLAIM_AGAIN_MS);
      }
    }
    this.#takeWaiting();
  }

  /** The claim, with everything of the partition ready when it was won; null when the database did not answer. */
  async #tryToClaim(): Promise<Claim | null> {
    const { records, tenants, self, log } = this.#parts;
    try {
      await this.#releasing;
      const claim = await records.claim(this.partition, self.id);
      if (claim.kind !== 'held') return claim;
      // Somebody else has worked for these tenants in between: what our isolates remember is old.
      if (this.#hosting !== null && this.#hosting !== claim.epoch) await this.#endIsolates('at-once');
      this.#hosting = claim.epoch;
      await tenants.takeOver(this.partition, claim.epoch);
      return claim;
    } catch (error) {
      log.warn({ partition: this.partition, err: error }, 'Could not claim the partition yet; trying again');
      return null;
    }
  }

  #takeWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (this.#leaving) return;
    for (const { delivery, take } of waiting) {
      try {
        take();
      } catch (error) {
        this.#parts.log.error({ partition: this.partition, err: error }, 'A delivery was not taken');
        delivery.reject(`It was not taken: ${(error as Error).message}`);
      }
    }
  }

  /** Goes to the end of the queue of consumers; what was delivered here goes to the holder. */
  async #makeRoom(): Promise<void> {
    this.#channel += 1;
    this.#waiting = [];
    await this.#consumer?.handOver({ deadlineMs: 0 });
    let standing = false;
    while (!this.#leaving && !standing) {
      standing = await this.open().then(
        () => true,
        (error: unknown) => {
          this.#parts.log.warn({ partition: this.partition, err: error }, 'Could not stand in line again yet');
          return false;
        },
      );
      if (!standing) await pause(OPEN_AGAIN_MS);
    }
  }

  #lost(reason: string): void {
    const { tenants, log } = this.#parts;
    this.#channel += 1;
    this.#waiting = [];
    if (this.#hosting !== null) tenants.forgetUndelivered(this.partition);
    if (this.epoch === null) return;
    this.epoch = null;
    log.warn(
      { partition: this.partition, reason },
      'Lost the channel of the partition; whoever is served first holds it next',
    );
    void this.#release();
  }

  /** Lets the next claim win; a claim of our own waits for it, so that it is not undone. */
  #release(): Promise<void> {
    const { records, self, log } = this.#parts;
    this.#releasing = records.release([this.partition], self.id).catch((error: unknown) => {
      log.warn({ partition: this.partition, err: error }, 'Could not release the partition yet');
    });
    return this.#releasing;
  }
}
