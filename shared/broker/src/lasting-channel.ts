import type { Channel, ChannelModel } from 'amqplib';
import { Backoff } from './backoff.ts';
import type { Log } from './broker.ts';
import type { BrokerConnection } from './connection.ts';
import { BrokerUnavailableError, TopologyMismatchError } from './errors.ts';
import type { BrokerMetrics } from './metrics.ts';
import { within } from './pending.ts';

const BACKOFF = { firstMs: 100, maxMs: 10_000 };
/** A channel that lived this long was well, so the next trouble begins with short pauses again. */
const WELL_AFTER_MS = 10_000;
const CLOSE_WITHIN_MS = 5_000;

/** One open channel, from opening to its end. What came through it can be settled only while it is open. */
export interface ChannelLife<C extends Channel = Channel> {
  readonly channel: C;
  readonly open: boolean;
  /** Ends this channel because of `reason`; another one is opened after a pause. */
  fail(reason: string): void;
}

export interface LastingChannelOptions<C extends Channel> {
  /** For log lines: `facts.installer`. */
  name: string;
  connection: BrokerConnection;
  log: Log;
  metrics: BrokerMetrics;
  create: (model: ChannelModel) => Promise<C>;
  /** Declares, listens and consumes; runs on every new channel. */
  setUp: (life: ChannelLife<C>) => Promise<void> | void;
  /** Called when a channel ends, for whatever reason; its unsettled messages go elsewhere. */
  lost?: (reason: string) => void;
}

/** A channel that is opened again, after a pause, whenever it or its connection ends; until it is closed. */
export class LastingChannel<C extends Channel = Channel> {
  readonly #options: LastingChannelOptions<C>;
  readonly #ending = new AbortController();
  #life: ChannelLife<C> | undefined;
  #loop: Promise<void> | undefined;
  #lastError: unknown;

  constructor(options: LastingChannelOptions<C>) {
    this.#options = options;
  }

  /** The channel, when it is open and set up. */
  get life(): ChannelLife<C> | undefined {
    return this.#life?.open === true ? this.#life : undefined;
  }

  /** Resolves when the channel is set up for the first time; rejects, and stops trying, when it is not within the deadline. */
  async start(deadlineMs: number): Promise<void> {
    const started = new Promise<true>((resolve, reject) => {
      this.#loop = this.#stayOpen(() => resolve(true), reject);
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
    const life = this.#life;
    if (life?.open === true) await closeChannel(life.channel);
    await this.#loop;
  }

  async #stayOpen(opened: () => void, refused: (error: Error) => void): Promise<void> {
    const { name, log, metrics, connection } = this.#options;
    const backoff = new Backoff(BACKOFF);
    while (!this.#ending.signal.aborted) {
      try {
        const model = await connection.up(this.#ending.signal);
        const openedAt = Date.now();
        const { life, ended } = await this.#open(model);
        this.#life = life;
        opened();
        const reason = await ended;
        this.#life = undefined;
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

  #isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  async #open(model: ChannelModel): Promise<{ life: ChannelLife<C>; ended: Promise<string> }> {
    const channel = await this.#options.create(model);
    let open = true;
    let reason = 'closed';
    const ended = new Promise<string>((resolve) => {
      channel.on('error', (error) => (reason = error.message));
      // Before amqplib's own listener, so that its calls for unconfirmed messages find the channel closed.
      channel.prependOnceListener('close', () => {
        open = false;
        resolve(reason);
        this.#tellLost(reason);
      });
    });
    const life: ChannelLife<C> = {
      channel,
      get open() {
        return open;
      },
      fail: (why) => {
        if (!open) return;
        reason = why;
        void closeChannel(channel);
      },
    };
    try {
      await this.#options.setUp(life);
      if (this.#isEnding()) throw new Error('closed while opening');
    } catch (error) {
      if (life.open) await closeChannel(channel);
      throw error;
    }
    return { life, ended };
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

/** Closes a channel; resolves at the latest when its connection ends or the deadline passes. */
async function closeChannel(channel: Channel): Promise<void> {
  const ended = new Promise<void>((resolve) => channel.once('close', resolve));
  try {
    await within(Promise.race([channel.close(), ended]), CLOSE_WITHIN_MS);
  } catch {
    // It was closing already: that is what was wanted.
  }
}
