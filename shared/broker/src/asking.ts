import { partitionOf, queues, type Question } from '@verifywise/contracts';
import type { Channel, ConsumeMessage, Message as AmqpMessage } from 'amqplib';
import type { Log, Patience, QuestionMessage } from './broker.ts';
import type { BrokerConnection } from './connection.ts';
import {
  AskTimedOutError,
  BrokerClosedError,
  BrokerUnavailableError,
  InvalidMessageError,
  UnroutableError,
} from './errors.ts';
import { LastingChannel } from './lasting-channel.ts';
import { messageBytes, type OutgoingMessage } from './message-bytes.ts';
import type { BrokerMetrics } from './metrics.ts';
import type { OpenChannel } from './open-channel.ts';
import { Pending } from './pending.ts';
import { readReply } from './replies.ts';

/** Long enough for a runner that is just taking over a partition. */
const DEFAULT_DEADLINE_MS = 5_000;
const DIRECT_REPLY_TO = 'amq.rabbitmq.reply-to';

interface Asked {
  name: string;
  queue: string;
  message: OutgoingMessage;
  pending: Pending<unknown>;
  unroutable: () => Error;
  sent: boolean;
}

export interface AskerOptions {
  connection: BrokerConnection;
  source: string;
  partitions: number;
  log: Log;
  metrics: BrokerMetrics;
}

/** Asks questions and hands the answers to who asked (direct reply-to: no queue, no disk). */
export class Asker {
  readonly #options: AskerOptions;
  readonly #channel: LastingChannel;
  readonly #asked = new Map<string, Asked>();
  #life: OpenChannel | undefined;
  #closed = false;

  constructor(options: AskerOptions) {
    this.#options = options;
    const { connection, log, metrics } = options;
    this.#channel = new LastingChannel<Channel>({
      name: 'asking',
      connection,
      log,
      metrics,
      create: (model) => model.createChannel(),
      setUp: (life) => this.#setUp(life),
    });
    connection.onUnblocked(() => this.#sendWaiting());
  }

  get ready(): boolean {
    return this.#channel.life !== undefined;
  }

  start(deadlineMs: number): Promise<void> {
    return this.#channel.start(deadlineMs);
  }

  /** Resolves with the answer; a connection that is lost meanwhile asks again within the same deadline. */
  async ask<P, A>(question: Question<P, A>, about: QuestionMessage<P>, patience: Patience = {}): Promise<A> {
    if (this.#closed) throw new BrokerClosedError();
    patience.signal?.throwIfAborted();
    const { name } = question;
    const { queue, missing } = this.#addressOf(question, about);
    const message = messageBytes(name, this.#options.source, about);
    const deadlineMs = patience.deadlineMs ?? DEFAULT_DEADLINE_MS;
    const asked: Asked = {
      name,
      queue,
      message,
      sent: false,
      unroutable: () => new UnroutableError(missing, name, queue),
      pending: new Pending({
        deadlineMs,
        signal: patience.signal,
        late: () => this.#late(asked, deadlineMs),
        ended: () => this.#asked.delete(message.id),
      }),
    };
    this.#asked.set(message.id, asked);
    this.#send(asked);
    return (await asked.pending.promise) as A;
  }

  /** Before the connection is closed. */
  close(): void {
    this.#closed = true;
    for (const { pending } of [...this.#asked.values()]) pending.reject(new BrokerClosedError());
    this.#channel.leave();
  }

  #addressOf(
    { name, answerer }: Pick<Question<never, never>, 'name' | 'answerer'>,
    about: QuestionMessage<unknown>,
  ): { queue: string; missing: 'NO_RUNNER' | 'UNAVAILABLE' } {
    if (answerer.kind === 'service') return { queue: queues.serviceCalls(answerer.service), missing: 'UNAVAILABLE' };
    const { tenant, partition } = about;
    if (partition === undefined && tenant === null) {
      throw new InvalidMessageError(`${name} is for the owner of a partition: it needs a tenant or a partition`);
    }
    const chosen = partition ?? partitionOf(tenant ?? '', this.#options.partitions);
    return { queue: queues.partitionCalls(chosen), missing: 'NO_RUNNER' };
  }

  #late(asked: Asked, deadlineMs: number): Error {
    if (asked.sent) return new AskTimedOutError(asked.name, deadlineMs);
    return new BrokerUnavailableError(
      `${asked.name} could not be asked within ${deadlineMs} ms: RabbitMQ is ${this.#options.connection.state}`,
    );
  }

  async #setUp(life: OpenChannel): Promise<void> {
    life.channel.on('return', (message) => this.#returned(message));
    await life.channel.consume(DIRECT_REPLY_TO, (message) => this.#answered(life, message), { noAck: true });
    this.#life = life;
    // Answers to the previous channel's questions have lost their way, and asking twice is safe.
    for (const asked of this.#asked.values()) asked.sent = false;
    this.#sendWaiting();
  }

  #sendWaiting(): void {
    for (const asked of this.#asked.values()) if (!asked.sent) this.#send(asked);
  }

  #send(asked: Asked): void {
    const life = this.#life;
    // Kept back while the broker is blocked: a question that waits in the socket is answered for nobody.
    if (life?.open !== true || asked.pending.settled || this.#options.connection.state !== 'connected') return;
    const { bytes, properties } = asked.message;
    life.channel.publish('', asked.queue, bytes, {
      ...properties,
      mandatory: true,
      replyTo: DIRECT_REPLY_TO,
      // RabbitMQ closes the channel of who sends a fraction.
      expiration: Math.max(1, Math.floor(asked.pending.remainingMs)),
    });
    asked.sent = true;
    this.#options.metrics.published.inc({ verb: 'ask' });
  }

  #answered(life: OpenChannel, message: ConsumeMessage | null): void {
    if (message === null) {
      life.fail('the broker ended the consumer');
      return;
    }
    const asked = this.#asked.get(String(message.properties.correlationId));
    if (asked === undefined) return;
    const reply = readReply(message.content);
    if ('error' in reply) asked.pending.reject(reply.error);
    else asked.pending.resolve(reply.result);
  }

  #returned(message: AmqpMessage): void {
    const asked = this.#asked.get(String(message.properties.messageId));
    this.#options.metrics.returned.inc({ verb: 'ask' });
    asked?.pending.reject(asked.unroutable());
  }
}
