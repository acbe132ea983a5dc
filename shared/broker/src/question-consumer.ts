import type { ServiceName } from '@verifywise/contracts';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { QuestionAnswer } from './answers.ts';
import { Answering } from './answering.ts';
import type { Consumer, Log } from './broker.ts';
import type { BrokerConnection } from './connection.ts';
import { declareServiceCalls } from './declare-topology.ts';
import { InvalidMessageError } from './errors.ts';
import { LastingChannel } from './lasting-channel.ts';
import type { BrokerMetrics } from './metrics.ts';
import type { OpenChannel } from './open-channel.ts';
import { within } from './pending.ts';
import type { Replies } from './replies.ts';

const CANCEL_WITHIN_MS = 2_000;
const FINISH_WITHIN_MS = 15_000;

export interface QuestionConsumerOptions {
  service: ServiceName;
  answers: QuestionAnswer[];
  connection: BrokerConnection;
  replies: Replies;
  log: Log;
  metrics: BrokerMetrics;
}

/** Answers the questions of a service, together with the service's other replicas. */
export class QuestionConsumer implements Consumer {
  readonly #options: QuestionConsumerOptions;
  readonly #channel: LastingChannel;
  #stopped: Promise<void> | undefined;
  readonly #answering: Answering;
  #tag: string | undefined;

  constructor(options: QuestionConsumerOptions) {
    const { service, answers, connection, log, metrics } = options;
    for (const { name, answerer } of answers) {
      if (answerer.kind !== 'service' || answerer.service !== service) {
        throw new InvalidMessageError(`${name} is not a question for ${service}`);
      }
    }
    this.#options = options;
    this.#answering = new Answering(options);
    this.#channel = new LastingChannel<Channel>({
      name: `calls.${service}`,
      connection,
      log,
      metrics,
      create: (model) => model.createChannel(),
      setUp: (life) => this.#setUp(life),
    });
  }

  get alive(): boolean {
    return this.#channel.life !== undefined;
  }

  start(deadlineMs: number): Promise<void> {
    return this.#channel.start(deadlineMs);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const life = this.#channel.life;
    // Cancelled before it is closed, so that no question on its way to us is lost.
    if (life !== undefined && this.#tag !== undefined) {
      await within(life.channel.cancel(this.#tag), CANCEL_WITHIN_MS).catch(() => undefined);
    }
    await this.#answering.finish(FINISH_WITHIN_MS);
    await this.#channel.close();
  }

  async #setUp(life: OpenChannel): Promise<void> {
    const queue = await declareServiceCalls(life.channel, this.#options.service);
    const { consumerTag } = await life.channel.consume(queue, (message) => this.#take(life, message), { noAck: true });
    this.#tag = consumerTag;
  }

  #take(life: OpenChannel, message: ConsumeMessage | null): void {
    if (message === null) {
      life.fail('the broker ended the consumer');
      return;
    }
    this.#options.metrics.consumed.inc({ kind: 'calls' });
    this.#answering.take(message);
  }
}
