import type { Broker, Delivery, PartitionConsumer, WorkDelivery } from '@verifywise/broker';
import { answering } from '@verifywise/broker';
import type { PartitionHolder } from '@verifywise/contracts';
import { FindHolder, PlatformError } from '@verifywise/contracts';
import type { Logger } from '@verifywise/service-kit';
import type { OwnershipRecords } from './membership.ts';
import { pause } from '../pause.ts';

/** How often a runner that receives deliveries of a partition asks whether the holder before it has let go. */
const CLAIM_AGAIN_MS = 100;
/**
 * A holder that is still alive after this long has a working consumer somewhere: the queues of the partition are split between
 * two runners, and the one without the holding makes room. Longer than a dead runner's heartbeat stays fresh.
 */
const SPLIT_AFTER_MS = 5_000;

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
  log: Logger;
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
  #consumer: PartitionConsumer | undefined;
  #claiming: Promise<void> | undefined;
  #waiting: (() => void)[] = [];
  #leaving = false;

  constructor(partition: number, parts: SeatParts) {
    this.partition = partition;
    this.#parts = parts;
  }

  async open(): Promise<void> {
    const { broker, tenants } = this.#parts;
    this.#consumer = await broker.consumePartition(this.partition, {
      event: (delivery) => this.#whenHeld(() => tenants.event(this.partition, delivery)),
      work: (delivery) => this.#whenHeld(() => tenants.work(this.partition, delivery)),
      answers: [answering(FindHolder, () => this.#holder())],
      lost: (reason) => void this.#lost(reason),
    });
  }

  /** Finishes what has begun, lets the broker wake the next consumer, and only then gives the partition away. */
  async leave(deadlineMs: number): Promise<void> {
    const { tenants, records, self, log } = this.#parts;
    this.#leaving = true;
    this.#waiting = [];
    await this.#claiming;
    if (this.epoch !== null) await tenants.finish(this.partition, deadlineMs);
    await this.#consumer?.handOver({ deadlineMs: 1_000 });
    if (this.epoch === null) return;
    this.epoch = null;
    await tenants.release(this.partition, 'gracefully');
    await records.release([this.partition], self.id).catch((error: unknown) => {
      log.warn(
        { partition: this.partition, err: error },
        'Could not release the partition; the next runner waits for our heartbeat to end',
      );
    });
  }

  /** Somebody else holds the partition now: nothing that still runs here counts. */
  async deposed(): Promise<void> {
    this.epoch = null;
    this.#waiting = [];
    await this.#parts.tenants.release(this.partition, 'at-once');
  }

  async #holder(): Promise<PartitionHolder> {
    const { self } = this.#parts;
    if (this.epoch === null) await this.#claim();
    if (this.epoch === null)
      throw new PlatformError('NOT_THE_OWNER', `Partition ${this.partition} is changing hands; ask again`);
    return { runnerId: self.id, url: self.url, epoch: this.epoch };
  }

  #whenHeld(act: () => void): void {
    if (this.#leaving) return;
    if (this.epoch !== null && this.#waiting.length === 0) {
      act();
      return;
    }
    this.#waiting.push(act);
    void this.#claim();
  }

  #claim(): Promise<void> {
    this.#claiming ??= this.#claimUntilHeld()
      .catch((error: unknown) =>
        this.#parts.log.error({ partition: this.partition, err: error }, 'Could not take over the partition'),
      )
      .finally(() => (this.#claiming = undefined));
    return this.#claiming;
  }

  async #claimUntilHeld(): Promise<void> {
    const { records, tenants, self, log } = this.#parts;
    const since = Date.now();
    while (!this.#leaving && this.epoch === null) {
      const claim = await records.claim(this.partition, self.id).catch((error: unknown) => {
        log.warn({ partition: this.partition, err: error }, 'Could not claim the partition yet');
        return null;
      });
      if (claim?.kind === 'held') {
        await tenants.takeOver(this.partition, claim.epoch);
        this.epoch = claim.epoch;
        log.info({ partition: this.partition, epoch: claim.epoch }, 'Holding the partition');
      } else if (claim && Date.now() - since > SPLIT_AFTER_MS) {
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
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const act of waiting) act();
  }

  /** Goes to the end of the queue of consumers; what was delivered here goes to the holder. */
  async #makeRoom(): Promise<void> {
    this.#waiting = [];
    await this.#consumer?.handOver({ deadlineMs: 0 });
    if (!this.#leaving) await this.open();
  }

  async #lost(reason: string): Promise<void> {
    const { tenants, records, self, log } = this.#parts;
    this.#waiting = [];
    if (this.epoch === null) return;
    log.warn(
      { partition: this.partition, reason },
      'Lost the channel of the partition; whoever is served first holds it next',
    );
    this.epoch = null;
    tenants.forgetUndelivered(this.partition);
    await records.release([this.partition], self.id).catch((error: unknown) => {
      log.warn({ partition: this.partition, err: error }, 'Could not release the partition');
    });
  }
}
