import type { ConfirmChannel, Message as AmqpMessage, Options } from 'amqplib';
import type { Log, Patience } from './broker.ts';
import type { BrokerConnection } from './connection.ts';
import { BrokerClosedError, BrokerUnavailableError, InvalidMessageError, PublishTimedOutError } from './errors.ts';
import { LastingChannel } from './lasting-channel.ts';
import type { BrokerMetrics } from './metrics.ts';
import type { OpenChannel } from './open-channel.ts';
import { Pending, within } from './pending.ts';

/** Measured: 256 unconfirmed messages reach 32 000/s on a quorum queue, awaiting each one 1 600/s. */
const DEFAULT_WINDOW = 256;
/** Large messages fill the window before their number does, so that memory stays bounded too. */
const WINDOW_BYTES = 64 * 1024 * 1024;
/** Long enough for a broker that restarts, short enough for somebody who waits. */
const DEFAULT_DEADLINE_MS = 10_000;
const MAX_ROUTING_KEY_BYTES = 255;

export type PublishedVerb = 'publish' | 'send' | 'dead-letter';

export interface Publication {
  verb: PublishedVerb;
  /** For messages to people: `plugin.installed`. */
  name: string;
  exchange: string;
  routingKey: string;
  bytes: Buffer;
  properties: Options.Publish;
  /** Given: a message that no queue takes rejects with this error. Absent: nobody has to listen. */
  unroutable?: () => Error;
}

interface Entry extends Publication {
  pending: Pending<void>;
  sentAt: number;
  returned: boolean;
}

export interface PublisherOptions {
  connection: BrokerConnection;
  log: Log;
  metrics: BrokerMetrics;
  window?: number | undefined;
}

/**
 * Publishes persistent messages in the order given, with at most a window of them unconfirmed.
 * What a lost channel left unconfirmed is sent again on the next one, in order and with the same ids.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #window: number;
  readonly #channel: LastingChannel<ConfirmChannel>;
  #life: OpenChannel<ConfirmChannel> | undefined;
  /** In the order they were given; one that is late leaves at once, so that nothing piles up while there is no broker. */
  #waiting = new Set<Entry>();
  /** In the order they were written. */
  readonly #unconfirmed = new Set<Entry>();
  #unconfirmedBytes = 0;
  /** Of the unconfirmed, those whose senders have given up waiting. */
  #overdue = 0;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#window = options.window ?? DEFAULT_WINDOW;
    this.#channel = new LastingChannel<ConfirmChannel>({
      name: 'publisher',
      connection: options.connection,
      log: options.log,
      metrics: options.metrics,
      create: (model) => model.createConfirmChannel(),
      setUp: (life) => this.#setUp(life),
    });
    options.connection.onUnblocked(() => this.#pump());
  }

  get ready(): boolean {
    return this.#channel.life !== undefined;
  }

  start(deadlineMs: number): Promise<void> {
    return this.#channel.start(deadlineMs);
  }

  /** Resolves once RabbitMQ has confirmed the message; waits for a place in the window, a reconnect or an unblocked broker within the same deadline. */
  async publish(publication: Publication, patience: Patience = {}): Promise<void> {
    if (this.#closed) throw new BrokerClosedError();
    if (Buffer.byteLength(publication.routingKey) > MAX_ROUTING_KEY_BYTES) {
      throw new InvalidMessageError(`The name of ${publication.name} is too long for a routing key`);
    }
    patience.signal?.throwIfAborted();
    const deadlineMs = patience.deadlineMs ?? DEFAULT_DEADLINE_MS;
    const entry: Entry = {
      ...publication,
      sentAt: 0,
      returned: false,
      pending: new Pending({
        deadlineMs,
        signal: patience.signal,
        late: () => this.#late(entry, deadlineMs),
        ended: () => this.#ended(entry),
      }),
    };
    this.#waiting.add(entry);
    this.#pump();
    await entry.pending.promise;
  }

  /** Before the connection is closed: waits for what is on its way, refuses what is still there at the deadline. */
  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    if (this.#unconfirmed.size + this.#waiting.size > 0) {
      await within(new Promise<void>((resolve) => this.#idle.push(resolve)), deadlineMs);
    }
    for (const entry of [...this.#unconfirmed, ...this.#waiting]) {
      entry.pending.reject(
        new BrokerUnavailableError(`${entry.name} was not confirmed before the connection was closed; send it again`),
      );
    }
    this.#channel.leave();
    this.#forgetUnconfirmed();
  }

  #late(entry: Entry, deadlineMs: number): Error {
    if (entry.sentAt > 0) return new PublishTimedOutError(entry.name, deadlineMs);
    const { state } = this.#options.connection;
    if (state === 'connected') return new PublishTimedOutError(entry.name, deadlineMs);
    return new BrokerUnavailableError(`${entry.name} was not sent within ${deadlineMs} ms: RabbitMQ is ${state}`);
  }

  #ended(entry: Entry): void {
    this.#waiting.delete(entry);
    if (!this.#unconfirmed.has(entry)) return;
    this.#overdue += 1;
    // A queue that confirms nothing, or a channel that hangs, must not keep all places taken for ever.
    if (this.#overdue * 2 < this.#window || this.#options.connection.state !== 'connected') return;
    this.#life?.fail('half of the window was not confirmed in time');
  }

  #setUp(life: OpenChannel<ConfirmChannel>): void {
    life.channel.on('return', (message) => this.#returned(message));
    this.#life = life;
    const unconfirmed = this.#forgetUnconfirmed().filter((entry) => !entry.pending.settled);
    this.#waiting = new Set([...unconfirmed, ...this.#waiting]);
    this.#pump();
  }

  #forgetUnconfirmed(): Entry[] {
    const entries = [...this.#unconfirmed];
    this.#unconfirmed.clear();
    this.#unconfirmedBytes = 0;
    this.#overdue = 0;
    this.#options.metrics.unconfirmed.dec(entries.length);
    return entries;
  }

  /** Writes what fits into the window. */
  #pump(): void {
    const life = this.#life;
    for (const entry of this.#waiting) {
      if (life?.open !== true || !this.#hasPlace()) break;
      this.#waiting.delete(entry);
      this.#write(life, entry);
    }
    if (this.#unconfirmed.size + this.#waiting.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #hasPlace(): boolean {
    if (this.#options.connection.state !== 'connected') return false;
    return this.#unconfirmed.size < this.#window && this.#unconfirmedBytes < WINDOW_BYTES;
  }

  #write(life: OpenChannel<ConfirmChannel>, entry: Entry): void {
    const { exchange, routingKey, bytes, properties } = entry;
    const mandatory = entry.unroutable !== undefined;
    entry.sentAt = performance.now();
    entry.returned = false;
    try {
      life.channel.publish(
        exchange,
        routingKey,
        bytes,
        { persistent: true, mandatory, ...properties },
        (error: unknown) => this.#confirmed(life, entry, error),
      );
    } catch (error) {
      // Only the encoder refuses a message of an open channel; it would refuse it every time.
      if (life.open) {
        entry.pending.reject(new InvalidMessageError(`${entry.name} cannot be sent`, { cause: error }));
        return;
      }
    }
    this.#unconfirmed.add(entry);
    this.#unconfirmedBytes += bytes.length;
    this.#options.metrics.unconfirmed.inc();
    this.#options.metrics.published.inc({ verb: entry.verb });
  }

  #confirmed(life: OpenChannel<ConfirmChannel>, entry: Entry, error: unknown): void {
    // The channel is gone: whether the message arrived is not known, and the next channel sends it again.
    if (!life.open) return;
    this.#unconfirmed.delete(entry);
    if (entry.pending.settled) this.#overdue -= 1;
    this.#unconfirmedBytes -= entry.bytes.length;
    this.#options.metrics.unconfirmed.dec();
    this.#settle(entry, error);
    this.#pump();
  }

  #settle(entry: Entry, error: unknown): void {
    if (error != null) {
      entry.pending.reject(
        new BrokerUnavailableError(`RabbitMQ refused ${entry.name}; send it again`, { cause: error }),
      );
    } else if (entry.returned && entry.unroutable !== undefined) {
      entry.pending.reject(entry.unroutable());
    } else {
      this.#options.metrics.confirmSeconds.observe({ verb: entry.verb }, (performance.now() - entry.sentAt) / 1000);
      entry.pending.resolve();
    }
  }

  /** RabbitMQ gives an unroutable message back before it confirms it. */
  #returned(message: AmqpMessage): void {
    for (const entry of this.#unconfirmed) {
      if (entry.properties.messageId !== message.properties.messageId) continue;
      if (!entry.returned) this.#options.metrics.returned.inc({ verb: entry.verb });
      entry.returned = true;
    }
  }
}
