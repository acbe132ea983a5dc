import { factBinding, readEnvelope } from '@verifywise/contracts';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { Consumer, Log } from './broker.ts';
import type { BrokerConnection } from './connection.ts';
import { declareOverheard } from './declare-topology.ts';
import type { FactHandler } from './facts.ts';
import { LastingChannel } from './lasting-channel.ts';
import type { BrokerMetrics } from './metrics.ts';
import type { OpenChannel } from './open-channel.ts';

export interface OverhearingOptions {
  handlers: FactHandler[];
  missed: () => void;
  connection: BrokerConnection;
  log: Log;
  metrics: BrokerMetrics;
}

/** Hears facts for this process alone, through a queue that is gone with its channel. */
export class Overhearing implements Consumer {
  readonly #options: OverhearingOptions;
  readonly #channel: LastingChannel;
  readonly #handlers: Map<string, FactHandler>;
  readonly #stopping = new AbortController();

  constructor(options: OverhearingOptions) {
    this.#options = options;
    this.#handlers = new Map(options.handlers.map((handler) => [handler.name, handler]));
    const { connection, log, metrics } = options;
    this.#channel = new LastingChannel<Channel>({
      name: 'overheard facts',
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

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('This process is stopping'));
    await this.#channel.close();
  }

  async #setUp(life: OpenChannel): Promise<void> {
    const queue = await declareOverheard(life.channel, [...this.#handlers.keys()].map(factBinding));
    await life.channel.consume(queue, (message) => this.#take(life, message), { noAck: true });
    // Only now, because from here on nothing is missed any more.
    this.#options.missed();
  }

  #take(life: OpenChannel, message: ConsumeMessage | null): void {
    if (message === null) {
      life.fail('the broker ended the consumer');
      return;
    }
    if (this.#stopping.signal.aborted) return;
    this.#options.metrics.consumed.inc({ kind: 'overheard' });
    const envelope = readEnvelope(message.content);
    const handler = envelope && this.#handlers.get(envelope.type);
    if (envelope === undefined || handler === undefined) return;
    const { id, type, tenant, payload } = envelope;
    const about = { tenant, envelope, signal: this.#stopping.signal };
    void handler.hear(payload, about).catch((error: unknown) => {
      this.#options.log.warn({ err: error, id, fact: type, tenant }, 'A fact that was overheard was not handled');
    });
  }
}
