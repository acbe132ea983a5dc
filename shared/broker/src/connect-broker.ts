import {
  DEFAULT_PARTITIONS,
  exchanges,
  factRoutingKey,
  partitionKey,
  partitionOf,
  queues,
  type Fact,
  type Question,
  type ServiceName,
  type Work,
} from '@verifywise/contracts';
import type { Registry } from 'prom-client';
import type { QuestionAnswer } from './answers.ts';
import { Asker } from './asking.ts';
import type {
  Broker,
  BrokerState,
  Consumer,
  Log,
  Message,
  PartitionPrefetch,
  Patience,
  QuestionMessage,
  TenantMessage,
} from './broker.ts';
import { BrokerConnection } from './connection.ts';
import { DeadLetters } from './dead-letters.ts';
import { declareExchanges, declarePartitions } from './declare-topology.ts';
import { BrokerClosedError, UnroutableError } from './errors.ts';
import { FactConsumer } from './fact-consumer.ts';
import type { FactHandler } from './facts.ts';
import { messageBytes } from './message-bytes.ts';
import { brokerMetrics } from './metrics.ts';
import { Outcomes } from './outcomes.ts';
import { Overhearing } from './overhearing.ts';
import { PartitionChannel, type PartitionConsumer, type PartitionHandlers } from './partition-consumer.ts';
import { Publisher, type Publication } from './publisher.ts';
import { QuestionConsumer } from './question-consumer.ts';
import { Replies } from './replies.ts';

/** A broker that starts beside us needs some seconds; a wrong address should not take minutes to be noticed. */
const CONNECT_WITHIN_MS = 30_000;
/** What is unconfirmed when a process stops is confirmed in milliseconds, or not at all. */
const FLUSH_WITHIN_MS = 5_000;
const CLOSE_WITHIN_MS = 2_000;
/** A broker blocks for a moment when memory is short; for longer, others should get our work. */
const HEALTHY_WHILE_BLOCKED_MS = 10_000;

export interface BrokerOptions {
  url: string;
  /** The service or host that speaks; becomes `envelope.source`. */
  source: string;
  partitions?: number;
  log: Log;
  metrics?: Registry;
  /** How many messages may be unconfirmed at a time; 256 unless given. */
  publishWindow?: number;
  connectDeadlineMs?: number;
  /** Declare the queues of every partition after each connect, as everybody does who sends; true unless given. */
  declare?: boolean;
}

/** Connects, retrying until the deadline, and declares what must exist. Rejects with BROKER_UNAVAILABLE, or with CONFLICT when a queue exists with other arguments. */
export async function connectBroker(options: BrokerOptions): Promise<Broker> {
  const broker = new ConnectedBroker(options);
  try {
    await broker.open(options.connectDeadlineMs ?? CONNECT_WITHIN_MS);
    return broker;
  } catch (error) {
    await broker.close();
    throw error;
  }
}

type RunningConsumer = { start(deadlineMs: number): Promise<void>; readonly alive: boolean };

class ConnectedBroker implements Broker {
  readonly #options: BrokerOptions;
  readonly #partitions: number;
  readonly #publishing: BrokerConnection;
  readonly #consuming: BrokerConnection;
  readonly #metrics: ReturnType<typeof brokerMetrics>;
  readonly #publisher: Publisher;
  readonly #asker: Asker;
  readonly #replies: Replies;
  readonly #outcomes: Outcomes;
  readonly #deadLetters: DeadLetters;
  readonly #consumers = new Map<RunningConsumer, () => Promise<void>>();
  #closing: Promise<void> | undefined;

  constructor(options: BrokerOptions) {
    const { url, source, log, publishWindow, declare = true } = options;
    const metrics = brokerMetrics(options.metrics);
    this.#options = options;
    this.#metrics = metrics;
    this.#partitions = options.partitions ?? DEFAULT_PARTITIONS;
    // Two connections, because a broker short of memory stops reading from those that publish, acknowledgements included.
    const publishing = new BrokerConnection({
      url,
      name: 'publishing',
      source,
      log,
      metrics,
      prepare: async (model) => {
        await declareExchanges(model);
        if (declare) await declarePartitions(model, this.#partitions);
      },
    });
    const consuming = new BrokerConnection({ url, name: 'consuming', source, log, metrics, prepare: declareExchanges });
    this.#publishing = publishing;
    this.#consuming = consuming;
    this.#publisher = new Publisher({ connection: publishing, log, metrics, window: publishWindow });
    this.#asker = new Asker({ connection: publishing, source, partitions: this.#partitions, log, metrics });
    this.#replies = new Replies({ connection: publishing, log, metrics });
    this.#outcomes = new Outcomes({ connection: consuming, source, log, metrics });
    this.#deadLetters = new DeadLetters(this.#publisher, metrics);
  }

  async open(deadlineMs: number): Promise<void> {
    await Promise.all([this.#publishing.open(deadlineMs), this.#consuming.open(deadlineMs)]);
    await Promise.all([this.#publisher, this.#asker, this.#replies].map((part) => part.start(deadlineMs)));
  }

  async publish<P>(fact: Fact<P>, message: Message<P>, patience?: Patience): Promise<void> {
    const { id: _id, ...outgoing } = messageBytes(fact.name, this.#options.source, message);
    await this.#publisher.publish(
      {
        ...outgoing,
        verb: 'publish',
        name: fact.name,
        exchange: exchanges.events,
        routingKey: factRoutingKey(message.tenant, fact.name, this.#partitions),
      },
      patience,
    );
  }

  async send<P, O>(work: Work<P, O>, message: TenantMessage<P>, patience?: Patience): Promise<void> {
    await this.#publisher.publish(this.#workPublication(work, message).publication, patience);
  }

  async sendAndWait<P, O>(
    work: Work<P, O>,
    message: TenantMessage<P>,
    patience: Patience & { deadlineMs: number },
  ): Promise<O> {
    const { id, publication } = this.#workPublication(work, message);
    const answerable = { ...publication, properties: { ...publication.properties, replyTo: this.#outcomes.queue } };
    const publish = (remaining: Patience): Promise<void> => this.#publisher.publish(answerable, remaining);
    return this.#outcomes.of<O>(work.name, id, publish, patience);
  }

  ask<P, A>(question: Question<P, A>, message: QuestionMessage<P>, patience?: Patience): Promise<A> {
    return this.#asker.ask(question, message, patience);
  }

  async answerQuestions(service: ServiceName, answers: QuestionAnswer[]): Promise<Consumer> {
    const parts = {
      connection: this.#consuming,
      replies: this.#replies,
      log: this.#options.log,
      metrics: this.#metrics,
    };
    const consumer = new QuestionConsumer({ service, answers, ...parts });
    return this.#run(consumer, () => consumer.stop());
  }

  async subscribe(
    service: ServiceName,
    handlers: FactHandler[],
    options: { prefetch?: number; attempts?: number } = {},
  ): Promise<Consumer> {
    const parts = {
      connection: this.#consuming,
      deadLetters: this.#deadLetters,
      log: this.#options.log,
      metrics: this.#metrics,
    };
    const consumer = new FactConsumer({ service, handlers, ...options, ...parts });
    return this.#run(consumer, () => consumer.stop());
  }

  async overhear(handlers: FactHandler[], missed: () => void): Promise<Consumer> {
    const parts = { connection: this.#consuming, log: this.#options.log, metrics: this.#metrics };
    const consumer = new Overhearing({ handlers, missed, ...parts });
    return this.#run(consumer, () => consumer.stop());
  }

  async consumePartition(
    partition: number,
    handlers: PartitionHandlers,
    options: PartitionPrefetch = {},
  ): Promise<PartitionConsumer> {
    const consumer = new PartitionChannel({
      partition,
      handlers,
      ...options,
      connection: this.#consuming,
      replies: this.#replies,
      deadLetters: this.#deadLetters,
      log: this.#options.log,
      metrics: this.#metrics,
    });
    await this.#run(consumer, () => consumer.handOver());
    return {
      partition,
      handOver: (patience) => consumer.handOver(patience).finally(() => this.#consumers.delete(consumer)),
    };
  }

  async declarePartitions(): Promise<void> {
    const model = await this.#publishing.up(AbortSignal.timeout(CONNECT_WITHIN_MS));
    await declarePartitions(model, this.#partitions);
  }

  get state(): BrokerState {
    const states = [this.#publishing.state, this.#consuming.state];
    for (const worst of ['closed', 'connecting', 'blocked'] as const) if (states.includes(worst)) return worst;
    return 'connected';
  }

  get healthy(): boolean {
    const { state } = this;
    if (this.#closing !== undefined || state === 'closed' || state === 'connecting') return false;
    if (this.#publishing.blockedForMs > HEALTHY_WHILE_BLOCKED_MS) return false;
    if (!this.#publisher.ready || !this.#asker.ready || !this.#outcomes.alive) return false;
    return [...this.#consumers.keys()].every((consumer) => consumer.alive);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#consumers.values()].map((stop) => stop()));
    this.#asker.close();
    await Promise.all([this.#outcomes.close(), this.#publisher.close(FLUSH_WITHIN_MS)]);
    this.#replies.close();
    await Promise.all([this.#publishing.close(CLOSE_WITHIN_MS), this.#consuming.close(CLOSE_WITHIN_MS)]);
  }

  async #run(consumer: RunningConsumer, stop: () => Promise<void>): Promise<Consumer> {
    if (this.#closing !== undefined) throw new BrokerClosedError();
    this.#consumers.set(consumer, stop);
    try {
      await consumer.start(this.#options.connectDeadlineMs ?? CONNECT_WITHIN_MS);
    } catch (error) {
      this.#consumers.delete(consumer);
      throw error;
    }
    return { stop: () => stop().finally(() => this.#consumers.delete(consumer)) };
  }

  #workPublication<P, O>(work: Work<P, O>, message: TenantMessage<P>): { id: string; publication: Publication } {
    const { id, ...outgoing } = messageBytes(work.name, this.#options.source, message);
    const partition = partitionOf(message.tenant, this.#partitions);
    const unroutable = (): Error => new UnroutableError('NO_RUNNER', work.name, queues.partitionWork(partition));
    const address = { exchange: exchanges.work, routingKey: partitionKey(partition) };
    return { id, publication: { ...outgoing, ...address, verb: 'send', name: work.name, unroutable } };
  }
}
