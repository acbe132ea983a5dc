import type { Channel, ChannelModel } from 'amqplib';
import { Backoff } from './backoff.ts';
import type { Log } from './broker.ts';
import type { BrokerConnection } from './connection.ts';
import { BrokerClosedError, BrokerUnavailableError, TopologyMismatchError } from './errors.ts';
import type { BrokerMetrics } from './metrics.ts';
import { OpenChannel } from './open-channel.ts';
import { within } from './pending.ts';

const BACKOFF = { firstMs: 100, maxMs: 10_000 };
/** A channel that lived this long was well, so the next trouble begins with short pauses again. */
const WELL_AFTER_MS = 10_000;
const LEAVE_WITHIN_MS = 2_000;

export interface LastingChannelOptions<C extends Channel> {
  /** For log lines: `facts.installer`. */
  name: string;
  connection: BrokerConnection;
  log: Log;
  metrics: BrokerMetrics;
  create: (model: ChannelModel) => Promise<C>;
  /** Declares, listens and consumes; runs on every new channel. */
  setUp: (life: OpenChannel<C>) => Promise<void> | void;
  /** Called when a channel ends, for whatever reason; its unsettled messages go elsewhere. */
  lost?: (reason: string) => void;
}

/** A channel that is opened again, after a pause, whenever it or its connection ends; until it is closed. */
export class LastingChannel<C extends Channel = Channel> {
  readonly #options: LastingChannelOptions<C>;
  readonly #ending = new AbortController();
  #life: OpenChannel<C> | undefined;
  #loop: Promise<void> | undefined;
  #lastError: unknown;

  constructor(options: LastingChannelOptions<C>) {
    this.#options = options;
  }

  /** The channel, when it is open and set up. */
  get life(): OpenChannel<C> | undefined {
    return this.#life?.open === true ? this.#life : undefined;
  }

  /** Resolves when the channel is set up for the first time; rejects, and stops trying, when it is not within the deadline. */
  async start(deadlineMs: number): Promise<void> {
    const started = new Promise<true>((resolve, reject) => {
      this.#loop = this.#stayOpen(() => resolve(true), reject).finally(() => reject(new BrokerClosedError()));
    });
    try {
      if ((await within(started, deadlineMs)) === true) return;
      throw new BrokerUnavailableError(`${this.#options.name} could not be opened within ${deadlineMs} ms`, {
        cause: this.#lastError,
      });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Ends the channel; acknowledgements given before are sent first. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#life?.close();
    // A channel that is just being opened ends with its connection, when the broker does not answer.
    if (this.#loop !== undefined) await within(this.#loop, LEAVE_WITHIN_MS);
  }

  /** Opens no other channel; this one ends with its connection, which is about to be closed. */
  leave(): void {
    this.#ending.abort();
  }

  async #stayOpen(opened: () => void, refused: (error: Error) => void): Promise<void> {
    const { name, log, metrics, connection } = this.#options;
    const backoff = new Backoff(BACKOFF);
    while (!this.#ending.signal.aborted) {
      try {
        const model = await connection.up(this.#ending.signal);
        const openedAt = Date.now();
        const life = await this.#open(model);
        this.#life = life;
        opened();
        const reason = await life.ended;
        if (this.#isEnding()) return;
        if (Date.now() - openedAt > WELL_AFTER_MS) backoff.reset();
        if (connection.state !== 'connecting') {
          metrics.reopenedChannels.inc();
          log.warn({ channel: name, reason }, 'A channel ended; opening it again');
        }
      } catch (error) {
        if (this.#isEnding()) return;
        this.#lastError = error;
        if (error instanceof TopologyMismatchError) refused(error);
        log.warn({ channel: name, err: error }, 'A channel could not be opened; trying again');
      }
      await backoff.pause(this.#ending.signal);
    }
  }

  // A function, because the compiler takes a property that was once read as false for false ever after.
  #isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  async #open(model: ChannelModel): Promise<OpenChannel<C>> {
    const life = new OpenChannel(await this.#options.create(model), (reason) => this.#tellLost(reason));
    try {
      await this.#options.setUp(life);
      if (this.#isEnding()) throw new BrokerClosedError();
      return life;
    } catch (error) {
      await life.close();
      throw error;
    }
  }

  #tellLost(reason: string): void {
    try {
      this.#options.lost?.(reason);
    } catch (error) {
      // Thrown on, it would end the whole connection.
      this.#options.log.error({ channel: this.#options.name, err: error }, 'A handler of a lost channel failed');
    }
  }
}
