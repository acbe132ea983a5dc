import { errorAnswer, PlatformError, queues, readEnvelope, type Envelope } from '@verifywise/contracts';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { QuestionAnswer } from './answers.ts';
import { Answering } from './answering.ts';
import type { Log, PartitionPrefetch } from './broker.ts';
import type { BrokerConnection } from './connection.ts';
import type { DeadLetters } from './dead-letters.ts';
import { declarePartition } from './declare-topology.ts';
import { LastingChannel } from './lasting-channel.ts';
import type { BrokerMetrics } from './metrics.ts';
import type { OpenChannel } from './open-channel.ts';
import { within } from './pending.ts';
import { prefetchOf } from './prefetch.ts';
import { Receipts, type Receipt } from './receipts.ts';
import type { Replies } from './replies.ts';

/** Shorter than a process has to stop (25 s), so that there is time to close in order. */
const HAND_OVER_WITHIN_MS = 15_000;
const CANCEL_WITHIN_MS = 2_000;

/** One message, to be settled exactly once; any order, any time later. */
export interface Delivery {
  readonly envelope: Envelope;
  readonly redelivered: boolean;
  /** How often it was delivered before without being settled. */
  readonly deliveryCount: number;
  readonly settled: boolean;
  /** Done. False: its channel is gone (or it was settled before), and it will be delivered again elsewhere. */
  ack(): boolean;
  /** Never again: to the dead letter queue, with the reason. False as with `ack`. */
  reject(reason: string): boolean;
}

export interface WorkDelivery extends Delivery {
  /** To the process that waits for the outcome; dropped when nobody waits. Does not settle the delivery. */
  reply(outcome: unknown): void;
}

export interface PartitionHandlers {
  event(delivery: Delivery): void;
  work(delivery: WorkDelivery): void;
  answers: QuestionAnswer[];
  /** The channel or its connection died: what is unsettled will be delivered again, perhaps elsewhere. The consumer stands in line again by itself. */
  lost(reason: string): void;
}

export interface PartitionConsumer {
  readonly partition: number;
  /** Stops dispatching, waits until all that was dispatched is settled, closes the channel: the next consumer goes on from there. */
  handOver(options?: { deadlineMs?: number }): Promise<void>;
}

export interface PartitionConsumerOptions extends PartitionPrefetch {
  partition: number;
  handlers: PartitionHandlers;
  connection: BrokerConnection;
  replies: Replies;
  deadLetters: DeadLetters;
  log: Log;
  metrics: BrokerMetrics;
}

/** The events, work and questions of one partition on one channel, so that one consumer has all of it or nothing. */
export class PartitionChannel implements PartitionConsumer {
  readonly partition: number;
  readonly #options: PartitionConsumerOptions;
  readonly #channel: LastingChannel;
  readonly #answering: Answering;
  #receipts: Receipts[] = [];
  #callsTag: string | undefined;
  #handingOver: Promise<void> | undefined;

  constructor(options: PartitionConsumerOptions) {
    const { partition, connection, log, metrics, replies } = options;
    this.partition = partition;
    this.#options = options;
    this.#answering = new Answering({ answers: options.handlers.answers, replies, log });
    this.#channel = new LastingChannel<Channel>({
      name: `partition ${partition}`,
      connection,
      log,
      metrics,
      create: (model) => model.createChannel(),
      setUp: (life) => this.#setUp(life),
      lost: (reason) => this.#lost(reason),
    });
  }

  get alive(): boolean {
    return this.#channel.life !== undefined;
  }

  start(deadlineMs: number): Promise<void> {
    return this.#channel.start(deadlineMs);
  }

  handOver({ deadlineMs = HAND_OVER_WITHIN_MS } = {}): Promise<void> {
    this.#handingOver ??= this.#handOver(Date.now() + deadlineMs);
    return this.#handingOver;
  }

  async #handOver(deadlineAt: number): Promise<void> {
    const remainingMs = (): number => Math.max(0, deadlineAt - Date.now());
    await Promise.all(this.#receipts.map((receipts) => receipts.settled(remainingMs())));
    await this.#stopQuestions();
    await this.#answering.finish(remainingMs());
    // Closing, unlike cancelling, gives what is unsettled back before the next consumer becomes active, and in order.
    await this.#channel.close();
  }

  /** Questions are not acknowledged, so cancelling is safe for them, and loses none that were already on their way. */
  async #stopQuestions(): Promise<void> {
    const life = this.#channel.life;
    if (life === undefined || this.#callsTag === undefined) return;
    await within(life.channel.cancel(this.#callsTag), CANCEL_WITHIN_MS).catch(() => undefined);
  }

  async #setUp(life: OpenChannel): Promise<void> {
    const { partition, eventPrefetch, workPrefetch } = this.#options;
    const { channel } = life;
    await declarePartition(channel, partition);
    const events = this.#receiptsOf('events', queues.partitionEvents(partition), life);
    const work = this.#receiptsOf('work', queues.partitionWork(partition), life);
    this.#receipts = [events, work];
    await channel.prefetch(prefetchOf(eventPrefetch));
    await channel.consume(queues.partitionEvents(partition), (message) => this.#event(life, events, message));
    await channel.prefetch(prefetchOf(workPrefetch));
    await channel.consume(queues.partitionWork(partition), (message) => this.#work(life, work, message));
    const calls = await channel.consume(queues.partitionCalls(partition), (message) => this.#call(life, message), {
      noAck: true,
    });
    this.#callsTag = calls.consumerTag;
  }

  #receiptsOf(kind: 'events' | 'work', queue: string, life: OpenChannel): Receipts {
    const { deadLetters, log, metrics } = this.#options;
    return new Receipts({ kind, queue, life, deadLetters, log, metrics });
  }

  #event(life: OpenChannel, receipts: Receipts, message: ConsumeMessage | null): void {
    this.#dispatch(life, receipts, message, (receipt, envelope) =>
      this.#options.handlers.event(deliveryOf(receipt, envelope)),
    );
  }

  #work(life: OpenChannel, receipts: Receipts, message: ConsumeMessage | null): void {
    this.#dispatch(life, receipts, message, (receipt, envelope) =>
      this.#options.handlers.work(workDeliveryOf(receipt, envelope, this.#options.replies)),
    );
  }

  #call(life: OpenChannel, message: ConsumeMessage | null): void {
    if (message === null) {
      life.fail('the broker ended the consumer of questions');
      return;
    }
    this.#options.metrics.consumed.inc({ kind: 'calls' });
    this.#answering.take(message);
  }

  #dispatch(
    life: OpenChannel,
    receipts: Receipts,
    message: ConsumeMessage | null,
    hand: (receipt: Receipt, envelope: Envelope) => void,
  ): void {
    if (message === null) {
      life.fail('the broker ended a consumer');
      return;
    }
    // Left unsettled, it goes to the next consumer when the channel closes.
    if (this.#handingOver !== undefined) return;
    const receipt = receipts.add(message);
    const envelope = readEnvelope(message.content);
    if (envelope === undefined) {
      receipt.bury('It has no envelope');
      return;
    }
    try {
      hand(receipt, envelope);
    } catch (error) {
      this.#options.log.error({ err: error, id: envelope.id, type: envelope.type }, 'A delivery was not taken');
      receipt.bury(`It was not taken: ${errorAnswer(error).message}`);
    }
  }

  #lost(reason: string): void {
    for (const receipts of this.#receipts.splice(0)) receipts.abandon();
    this.#callsTag = undefined;
    if (this.#handingOver === undefined) this.#options.handlers.lost(reason);
  }
}

function deliveryOf(receipt: Receipt, envelope: Envelope): Delivery {
  const { fields, properties } = receipt.message;
  const count: unknown = properties.headers?.['x-delivery-count'];
  return {
    envelope,
    redelivered: fields.redelivered,
    deliveryCount: typeof count === 'number' ? count : 0,
    get settled() {
      return receipt.settled;
    },
    ack: () => receipt.ack(),
    reject: (reason) => receipt.bury(reason),
  };
}

function workDeliveryOf(receipt: Receipt, envelope: Envelope, replies: Replies): WorkDelivery {
  const replyTo = receipt.message.properties.replyTo as string | undefined;
  const delivery = deliveryOf(receipt, envelope);
  return {
    envelope,
    redelivered: delivery.redelivered,
    deliveryCount: delivery.deliveryCount,
    get settled() {
      return receipt.settled;
    },
    ack: () => receipt.ack(),
    reject: (reason) => {
      const error = errorAnswer(new PlatformError('HANDLER_FAILED', reason));
      if (replyTo !== undefined) replies.send(replyTo, envelope.id, { error });
      return receipt.bury(reason);
    },
    reply: (outcome) => {
      if (replyTo !== undefined) replies.send(replyTo, envelope.id, { result: outcome });
    },
  };
}
