import { setTimeout as pause } from 'node:timers/promises';

export interface BackoffRange {
  firstMs: number;
  maxMs: number;
}

/** Growing pauses between attempts, each with jitter so that many processes do not come back in the same moment. */
export class Backoff {
  readonly #range: BackoffRange;
  #attempt = 0;

  constructor(range: BackoffRange) {
    this.#range = range;
  }

  /** The next pause: between half and the whole of the doubled one before. */
  nextMs(): number {
    const whole = Math.min(this.#range.maxMs, this.#range.firstMs * 2 ** this.#attempt);
    this.#attempt += 1;
    return whole / 2 + Math.random() * (whole / 2);
  }

  reset(): void {
    this.#attempt = 0;
  }

  /** Pauses; ends at once, without an error, when the signal is aborted. */
  async pause(signal: AbortSignal): Promise<void> {
    await pause(this.nextMs(), undefined, { signal }).catch(() => undefined);
  }
}
