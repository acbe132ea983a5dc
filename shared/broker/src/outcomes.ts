import { randomUUID } from 'node:crypto';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { Log, Patience } from './broker.ts';
import type { BrokerConnection } from './connection.ts';
import { declareReplies } from './declare-topology.ts';
import { BrokerClosedError, OutcomeTimedOutError, PublishTimedOutError } from './errors.ts';
import { LastingChannel } from './lasting-channel.ts';
import type { BrokerMetrics } from './metrics.ts';
import type { OpenChannel } from './open-channel.ts';
import { Pending, within } from './pending.ts';
import { readReply, REPLY_QUEUE_PREFIX } from './replies.ts';

/** Longer than any hook may take, so that an outcome waits for a process that reconnects. */
const EXPIRES_MS = 5 * 60_000;
const DELETE_WITHIN_MS = 1_000;

export interface OutcomesOptions {
  connection: BrokerConnection;
  source: string;
  log: Log;
  metrics: BrokerMetrics;
}

/** The queue through which this process hears the outcome of work it waits for; declared when first needed. */
export class Outcomes {
  readonly #options: OutcomesOptions;
  readonly #channel: LastingChannel;
  readonly #awaited = new Map<string, Pending<unknown>>();
  readonly queue: string;
  #started: Promise<void> | undefined;
  #closed = false;

  constructor(options: OutcomesOptions) {
    this.#options = options;
    this.queue = `${REPLY_QUEUE_PREFIX}${options.source}.${randomUUID()}`;
    const { connection, log, metrics } = options;
    this.#channel = new LastingChannel<Channel>({
      name: 'replies of work',
      connection,
      log,
      metrics,
      create: (model) => model.createChannel(),
      setUp: (life) => this.#setUp(life),
    });
  }

  /** True unless outcomes are waited for and cannot be heard. */
  get alive(): boolean {
    return this.#started === undefined || this.#channel.life !== undefined;
  }

  /** Sends work by `publish` and resolves with its outcome; the deadline is for both. */
  async of<O>(
    name: string,
    id: string,
    publish: (patience: Patience) => Promise<void>,
    patience: Patience & { deadlineMs: number },
  ): Promise<O> {
    if (this.#closed) throw new BrokerClosedError();
    const { deadlineMs, signal } = patience;
    const startedAt = Date.now();
    await this.#start(deadlineMs);
    signal?.throwIfAborted();
    const remaining = { ...patience, deadlineMs: Math.max(1, deadlineMs - (Date.now() - startedAt)) };
    let confirmed = false;
    const awaited = new Pending<unknown>({
      deadlineMs: remaining.deadlineMs,
      signal,
      late: () => (confirmed ? new OutcomeTimedOutError(name, deadlineMs) : new PublishTimedOutError(name, deadlineMs)),
      ended: () => this.#awaited.delete(id),
    });
    this.#awaited.set(id, awaited);
    // The outcome may come before the confirm, so both are waited for at once.
    publish(remaining).then(
      () => (confirmed = true),
      (error: unknown) => awaited.reject(error instanceof Error ? error : new Error(String(error))),
    );
    return (await awaited.promise) as O;
  }

  /** Before the connection is closed. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const awaited of [...this.#awaited.values()]) awaited.reject(new BrokerClosedError());
    const channel = this.#channel.life?.channel;
    if (channel !== undefined) await within(channel.deleteQueue(this.queue), DELETE_WITHIN_MS).catch(() => undefined);
    this.#channel.leave();
  }

  async #start(deadlineMs: number): Promise<void> {
    this.#started ??= this.#channel.start(deadlineMs);
    try {
      await this.#started;
    } catch (error) {
      this.#started = undefined;
      throw error;
    }
  }

  async #setUp(life: OpenChannel): Promise<void> {
    await declareReplies(life.channel, this.queue, EXPIRES_MS);
    await life.channel.consume(this.queue, (message) => this.#arrived(life, message));
  }

  #arrived(life: OpenChannel, message: ConsumeMessage | null): void {
    if (message === null) {
      life.fail('the broker ended the consumer');
      return;
    }
    this.#options.metrics.consumed.inc({ kind: 'replies' });
    // Acknowledged, so that an outcome sent into a connection that had just died comes again.
    life.channel.ack(message);
    const awaited = this.#awaited.get(String(message.properties.correlationId));
    if (awaited === undefined) return;
    const reply = readReply(message.content);
    if ('error' in reply) awaited.reject(reply.error);
    else awaited.resolve(reply.result);
  }
}
