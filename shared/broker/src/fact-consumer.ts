import { factBinding, readEnvelope, type Envelope, type ServiceName } from '@verifywise/contracts';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { Consumer, Log } from './broker.ts';
import type { BrokerConnection } from './connection.ts';
import type { DeadLetters } from './dead-letters.ts';
import { declareServiceFacts } from './declare-topology.ts';
import type { FactHandler } from './facts.ts';
import { LastingChannel } from './lasting-channel.ts';
import type { BrokerMetrics } from './metrics.ts';
import type { OpenChannel } from './open-channel.ts';
import { prefetchOf } from './prefetch.ts';
import { Receipts, type Receipt } from './receipts.ts';
import { tryAgain } from './try-again.ts';

/** About three seconds of trying; what still fails then is for people to look at. */
const ATTEMPTS = 5;
const FINISH_WITHIN_MS = 15_000;

export interface FactConsumerOptions {
  service: ServiceName;
  handlers: FactHandler[];
  prefetch?: number | undefined;
  attempts?: number;
  connection: BrokerConnection;
  deadLetters: DeadLetters;
  log: Log;
  metrics: BrokerMetrics;
}

/** Hears facts for a service, together with the service's other replicas. */
export class FactConsumer implements Consumer {
  readonly #options: FactConsumerOptions;
  readonly #channel: LastingChannel;
  #stopped: Promise<void> | undefined;
  readonly #handlers: Map<string, FactHandler>;
  /** Ends pauses between attempts: what is not done yet is for the other replicas. */
  readonly #stopping = new AbortController();
  /** Ends handlers that take longer than there is time to stop. */
  readonly #lastMoment = new AbortController();
  #receipts: Receipts | undefined;

  constructor(options: FactConsumerOptions) {
    this.#options = options;
    this.#handlers = new Map(options.handlers.map((handler) => [handler.name, handler]));
    const { service, connection, log, metrics } = options;
    this.#channel = new LastingChannel<Channel>({
      name: `facts.${service}`,
      connection,
      log,
      metrics,
      create: (model) => model.createChannel(),
      setUp: (life) => this.#setUp(life),
      lost: () => this.#receipts?.abandon(),
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
    this.#stopping.abort(new Error('This process is stopping'));
    await this.#receipts?.settled(FINISH_WITHIN_MS);
    this.#lastMoment.abort(new Error('This process is stopping'));
    await this.#channel.close();
  }

  async #setUp(life: OpenChannel): Promise<void> {
    const { service, prefetch, deadLetters, log, metrics } = this.#options;
    const bindings = [...this.#handlers.keys()].map(factBinding);
    const queue = await declareServiceFacts(life.channel, service, bindings);
    const receipts = new Receipts({ kind: 'facts', queue, life, deadLetters, log, metrics });
    this.#receipts = receipts;
    await life.channel.prefetch(prefetchOf(prefetch));
    await life.channel.consume(queue, (message) => this.#take(life, receipts, message));
  }

  #take(life: OpenChannel, receipts: Receipts, message: ConsumeMessage | null): void {
    if (message === null) {
      life.fail('the broker ended the consumer');
      return;
    }
    // Left unsettled, it goes to another replica when the channel closes.
    if (this.#stopping.signal.aborted) return;
    const receipt = receipts.add(message);
    const envelope = readEnvelope(message.content);
    if (envelope === undefined) receipt.bury('It has no envelope');
    else void this.#hear(receipt, envelope);
  }

  async #hear(receipt: Receipt, envelope: Envelope): Promise<void> {
    const { attempts = ATTEMPTS, log } = this.#options;
    const handler = this.#handlers.get(envelope.type);
    // Bound by another version of this service: not ours to throw away.
    if (handler === undefined) {
      receipt.bury(`This version of the service does not hear ${envelope.type}`);
      return;
    }
    const about = { tenant: envelope.tenant, envelope, signal: this.#lastMoment.signal };
    const { id, type, tenant, correlationId } = envelope;
    try {
      await tryAgain(() => handler.hear(envelope.payload, about), {
        attempts,
        signal: this.#stopping.signal,
        failed: (error, attempt) =>
          log.warn({ err: error, id, fact: type, tenant, correlationId, attempt, attempts }, 'A fact was not handled'),
      });
      receipt.ack();
    } catch (error) {
      if (this.#stopping.signal.aborted) receipt.release();
      else receipt.bury(error instanceof Error ? error.message : String(error));
    }
  }
}
