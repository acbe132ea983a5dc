import type { Delivery, WorkDelivery } from '@verifywise/broker';
import type { Logger } from '@verifywise/service-kit';
import type { PartitionTenants } from '../ownership/seat.ts';
import { pause } from '../pause.ts';
import { eventOfFact, isForPlugins } from './event-names.ts';
import type { Hosting } from './hosting.ts';
import type { InstallationRecords } from './reconcile.ts';

interface Parts {
  hosting: Hosting;
  installations: InstallationRecords;
  work(delivery: WorkDelivery): Promise<void>;
  log: Logger;
}

/** What the partitions of this runner mean for its hosting: who is hosted, and what reaches them. */
export class HeldTenants implements PartitionTenants {
  readonly #parts: Parts;
  readonly #working = new Map<number, Set<Promise<void>>>();
  readonly #finishing = new Set<number>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async takeOver(partition: number, epoch: number): Promise<void> {
    this.#finishing.delete(partition);
    await this.#parts.hosting.takeOver({ partition, epoch }, await this.#parts.installations.ofPartition(partition));
  }

  event(_partition: number, delivery: Delivery): void {
    const { type, tenant } = delivery.envelope;
    const event = eventOfFact(type);
    if (tenant === null || !isForPlugins(event)) delivery.ack();
    else this.#parts.hosting.deliver(event, tenant, delivery);
  }

  work(partition: number, delivery: WorkDelivery): void {
    if (this.#finishing.has(partition)) return;
    const working = this.#working.get(partition) ?? new Set();
    this.#working.set(partition, working);
    const piece = this.#parts
      .work(delivery)
      .catch((error: unknown) => this.#parts.log.error({ err: error }, 'Work failed'))
      .finally(() => working.delete(piece));
    working.add(piece);
  }

  forgetUndelivered(partition: number): void {
    this.#parts.hosting.forgetUndelivered(partition);
  }

  async finish(partition: number, deadlineMs: number): Promise<void> {
    this.#finishing.add(partition);
    const finished = Promise.all([this.#parts.hosting.finish(partition), ...(this.#working.get(partition) ?? [])]);
    await Promise.race([finished, pause(deadlineMs)]);
  }

  async release(partition: number, how: 'gracefully' | 'at-once'): Promise<void> {
    await this.#parts.hosting.release(partition, how);
    this.#working.delete(partition);
  }
}
