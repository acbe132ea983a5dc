import type { Channel } from 'amqplib';
import { within } from './pending.ts';

const CLOSE_WITHIN_MS = 2_000;

/** One open channel, from opening to its end. What came through it can be settled only while it is open. */
export class OpenChannel<C extends Channel = Channel> {
  readonly channel: C;
  /** Resolves with the reason when the channel is no more. */
  readonly ended: Promise<string>;
  readonly #lost: (reason: string) => void;
  #tellEnd: (reason: string) => void = () => undefined;
  #reason = 'closed';
  #open = true;

  /** `lost` is called once, in the moment the channel ends. */
  constructor(channel: C, lost: (reason: string) => void) {
    this.channel = channel;
    this.#lost = lost;
    this.ended = new Promise((resolve) => {
      this.#tellEnd = resolve;
    });
    channel.on('error', (error) => (this.#reason = error.message));
    // Before amqplib's own listener, so that its calls for unconfirmed messages find the channel closed.
    channel.prependOnceListener('close', () => this.#end());
  }

  get open(): boolean {
    return this.#open;
  }

  /** Ends this channel because of `reason`. */
  fail(reason: string): void {
    if (!this.#open) return;
    this.#reason = reason;
    void this.close();
  }

  /** Sends what was acknowledged, then ends; by force when the broker does not answer. */
  async close(): Promise<void> {
    if (!this.#open) return;
    try {
      await within(Promise.race([this.channel.close(), this.ended]), CLOSE_WITHIN_MS);
    } catch {
      // It was closing already: that is what was wanted.
    }
    this.#end();
  }

  #end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#tellEnd(this.#reason);
    this.#lost(this.#reason);
  }
}
