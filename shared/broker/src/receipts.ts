import type { DeadKind } from '@verifywise/contracts';
import type { ConsumeMessage } from 'amqplib';
import type { Log } from './broker.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { BrokerMetrics } from './metrics.ts';
import type { OpenChannel } from './open-channel.ts';
import { within } from './pending.ts';

export interface ReceiptsOptions {
  kind: DeadKind;
  queue: string;
  life: OpenChannel;
  deadLetters: DeadLetters;
  log: Log;
  metrics: BrokerMetrics;
}

/** What came through one channel from one queue and is not settled yet. */
export class Receipts {
  readonly #options: ReceiptsOptions;
  readonly #open = new Set<Receipt>();
  #idle: (() => void)[] = [];

  constructor(options: ReceiptsOptions) {
    this.#options = options;
  }

  add(message: ConsumeMessage): Receipt {
    const { kind, metrics } = this.#options;
    const receipt = new Receipt(message, this.#options, () => this.#remove(receipt));
    this.#open.add(receipt);
    metrics.consumed.inc({ kind });
    metrics.unsettled.inc({ kind });
    return receipt;
  }

  /** Resolves when everything is settled, or at the deadline. */
  async settled(deadlineMs: number): Promise<void> {
    if (this.#open.size > 0) await within(new Promise<void>((resolve) => this.#idle.push(resolve)), deadlineMs);
  }

  /** The channel is gone, and with it the right to settle anything. */
  abandon(): void {
    for (const receipt of this.#open) this.#remove(receipt);
  }

  #remove(receipt: Receipt): void {
    const { kind, metrics } = this.#options;
    if (!this.#open.delete(receipt)) return;
    metrics.unsettled.dec({ kind });
    if (this.#open.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** The right to settle one message, once, on the channel it came through. */
export class Receipt {
  readonly message: ConsumeMessage;
  readonly #options: ReceiptsOptions;
  readonly #done: () => void;
  #settled = false;

  constructor(message: ConsumeMessage, options: ReceiptsOptions, done: () => void) {
    this.message = message;
    this.#options = options;
    this.#done = done;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** True when the acknowledgement was sent; false when it was settled before or its channel is gone. */
  ack(): boolean {
    if (!this.#take()) return false;
    this.#options.life.channel.ack(this.message);
    this.#done();
    return true;
  }

  /** Moves the message to the dead letter queue; false when it was settled before or its channel is gone. */
  bury(reason: string): boolean {
    if (!this.#take()) return false;
    void this.#bury(reason);
    return true;
  }

  /** Leaves the message to whoever consumes the queue after this channel has closed. */
  release(): void {
    if (this.#take()) this.#done();
  }

  #take(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    return this.#options.life.open;
  }

  async #bury(reason: string): Promise<void> {
    const { kind, queue, life, deadLetters, log } = this.#options;
    const id = this.message.properties.messageId as string | undefined;
    log.error({ queue, id, reason }, 'A message goes to the dead letter queue');
    try {
      await deadLetters.bury(kind, queue, this.message, reason);
      if (life.open) life.channel.ack(this.message);
    } catch (error) {
      log.warn({ queue, id, err: error }, 'The reason could not be added; RabbitMQ moves the message itself');
      if (life.open) life.channel.reject(this.message, false);
    }
    this.#done();
  }
}
