import { EventEmitter, once } from 'node:events';
import { connect, type ChannelModel } from 'amqplib';
import { Backoff } from './backoff.ts';
import type { Log } from './broker.ts';
import { BrokerClosedError, BrokerUnavailableError, TopologyMismatchError } from './errors.ts';
import type { BrokerMetrics, ConnectionName } from './metrics.ts';
import { within } from './pending.ts';

/** Two missed heartbeats end a connection, so a cut cable is noticed within 30 s. */
const HEARTBEAT_S = 10;
/** A broker that takes longer to shake hands is treated as not there. */
const HANDSHAKE_WITHIN_MS = 10_000;
const BACKOFF = { firstMs: 100, maxMs: 5_000 };

export interface ConnectionOptions {
  url: string;
  name: ConnectionName;
  source: string;
  log: Log;
  metrics: BrokerMetrics;
  /** Declares what must exist before the connection is used; runs after every connect. */
  prepare: (model: ChannelModel) => Promise<void>;
}

/** One AMQP connection that comes back by itself, until it is closed. */
export class BrokerConnection {
  readonly name: ConnectionName;
  readonly #options: ConnectionOptions;
  readonly #events = new EventEmitter<{ up: [ChannelModel]; unblocked: [] }>();
  readonly #ending = new AbortController();
  #model: ChannelModel | undefined;
  #blockedSince: number | undefined;
  /** Destroys the socket of the present attempt or connection. */
  #socket = new AbortController();
  #lastError: unknown;
  #loop: Promise<void> | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.name = options.name;
    // Every channel of the connection waits here when it is down.
    this.#events.setMaxListeners(0);
  }

  get state(): 'connected' | 'connecting' | 'blocked' | 'closed' {
    if (this.#ending.signal.aborted) return 'closed';
    if (this.#model === undefined) return 'connecting';
    return this.#blockedSince === undefined ? 'connected' : 'blocked';
  }

  /** For how long the broker has taken nothing from us (`connection.blocked`); 0 when it does. */
  get blockedForMs(): number {
    return this.#blockedSince === undefined ? 0 : Date.now() - this.#blockedSince;
  }

  onUnblocked(listener: () => void): void {
    this.#events.on('unblocked', listener);
  }

  /** Resolves with the first connection; rejects, and stops trying, when there is none within the deadline. */
  async open(deadlineMs: number): Promise<void> {
    const firstUp = this.up(this.#ending.signal);
    const refused = new Promise<never>((_resolve, reject) => {
      this.#loop = this.#stayConnected(reject).finally(() => reject(new BrokerClosedError()));
    });
    const model = await within(Promise.race([firstUp, refused]), deadlineMs);
    if (model !== undefined) return;
    throw new BrokerUnavailableError(
      `RabbitMQ could not be reached within ${deadlineMs} ms: ${String(this.#lastError)}`,
      {
        cause: this.#lastError,
      },
    );
  }

  /** The connection as soon as there is one. */
  async up(signal: AbortSignal): Promise<ChannelModel> {
    if (this.#model !== undefined) return this.#model;
    const [model] = (await once(this.#events, 'up', { signal })) as [ChannelModel];
    return model;
  }

  /** Closes in order when the broker answers within the deadline, else by force. */
  async close(deadlineMs: number): Promise<void> {
    if (this.#ending.signal.aborted) return;
    const model = this.#model;
    this.#ending.abort();
    if (model !== undefined) {
      const closed = once(model, 'close');
      // A socket that dies meanwhile leaves amqplib's own promise open for ever, so its close event counts as well.
      await within(Promise.race([model.close(), closed]), deadlineMs).catch(() => undefined);
    }
    this.#socket.abort();
    await this.#loop;
  }

  async #stayConnected(refused: (error: Error) => void): Promise<void> {
    const { log, metrics, name } = this.#options;
    const backoff = new Backoff(BACKOFF);
    let wasUp = false;
    while (!this.#ending.signal.aborted) {
      try {
        const { model, ended } = await this.#connect();
        if (wasUp) {
          metrics.reconnects.inc({ connection: name });
          log.info({ connection: name }, 'Connected to RabbitMQ again');
        }
        wasUp = true;
        backoff.reset();
        this.#model = model;
        this.#events.emit('up', model);
        const reason = await ended;
        if (!this.#isEnding()) log.warn({ connection: name, reason }, 'The connection to RabbitMQ was lost');
      } catch (error) {
        this.#lastError = error;
        if (this.#isEnding()) break;
        if (error instanceof TopologyMismatchError) refused(error);
        log.warn({ connection: name, err: error }, 'RabbitMQ cannot be used; trying again');
      }
      await backoff.pause(this.#ending.signal);
    }
  }

  // A function, because the compiler takes a property that was once read as false for false ever after.
  #isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  async #connect(): Promise<{ model: ChannelModel; ended: Promise<string> }> {
    const socket = new AbortController();
    this.#socket = socket;
    const model = await connect(withHeartbeat(this.#options.url), {
      // Without it a question takes 41 ms instead of 0.3.
      noDelay: true,
      timeout: HANDSHAKE_WITHIN_MS,
      clientProperties: { connection_name: `${this.#options.source} ${this.name}` },
      ...{ signal: socket.signal },
    });
    this.#blockedSince = undefined;
    let failure = 'closed';
    model.on('error', (error) => (failure = error.message));
    model.on('blocked', (reason) => this.#blocked(reason));
    model.on('unblocked', () => this.#unblocked());
    const ended = new Promise<string>((resolve) => {
      model.on('close', (error) => {
        // At once, so that whoever sees a channel of it end knows why.
        if (this.#model === model) this.#model = undefined;
        this.#blockedSince = undefined;
        resolve(error?.message ?? failure);
        // amqplib only half-closes the socket, and a peer that is gone would never close the other half.
        setImmediate(() => socket.abort());
      });
    });
    try {
      await this.#options.prepare(model);
      if (this.#isEnding()) throw new Error('closed while connecting');
    } catch (error) {
      await within(Promise.race([model.close(), ended]), HANDSHAKE_WITHIN_MS).catch(() => undefined);
      socket.abort();
      throw error;
    }
    return { model, ended };
  }

  #blocked(reason: string): void {
    this.#blockedSince ??= Date.now();
    this.#options.log.warn({ connection: this.name, reason }, 'RabbitMQ takes no messages for now');
  }

  #unblocked(): void {
    this.#blockedSince = undefined;
    this.#options.log.info({ connection: this.name }, 'RabbitMQ takes messages again');
    this.#events.emit('unblocked');
  }
}

function withHeartbeat(url: string): string {
  const withOptions = new URL(url);
  if (!withOptions.searchParams.has('heartbeat')) withOptions.searchParams.set('heartbeat', String(HEARTBEAT_S));
  return withOptions.href;
}
