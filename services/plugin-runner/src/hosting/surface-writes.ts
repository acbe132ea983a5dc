import { pause } from '../pause.ts';

/** A plugin may change what it listens to as often as it likes; each change that is kept is told to every service. */
const APART_MS = 250;
/** A database that is away for a moment is back soon; one that is away for longer is not asked all the time. */
const AGAIN_MS = 200;
const AGAIN_AT_MOST_MS = 10_000;

type Write = () => Promise<void>;

/**
 * What is to be written of one plugin's surface: one write at a time, of what waits only the latest, and few in a second. One that fails
 * is made again until it succeeds or there is a newer one.
 */
export class SurfaceWrites {
  readonly #failed: (error: unknown) => void;
  #surface: Write | undefined;
  /** Whether it sleeps, which counts for the surface written before. */
  #sleep: Write | undefined;
  #writing = false;
  #nextAt = 0;

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** What it offers now, or that it offers nothing; a plugin that offers something is awake. */
  addSurface(write: Write): void {
    this.#surface = write;
    this.#sleep = undefined;
    void this.#writeAll();
  }

  addSleep(write: Write): void {
    this.#sleep = write;
    void this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    let failures = 0;
    while (this.#surface || this.#sleep) {
      try {
        await this.#writeNext();
        failures = 0;
      } catch (error) {
        this.#failed(error);
        await pause(Math.min(AGAIN_MS * 2 ** failures, AGAIN_AT_MOST_MS));
        failures += 1;
      }
    }
    this.#writing = false;
  }

  async #writeNext(): Promise<void> {
    if (!this.#surface) {
      await this.#writeSleep();
      return;
    }
    const tooEarlyByMs = this.#nextAt - performance.now();
    if (tooEarlyByMs > 0) await pause(tooEarlyByMs);
    this.#nextAt = performance.now() + APART_MS;
    const surface = this.#surface;
    this.#surface = undefined;
    try {
      await surface();
    } catch (error) {
      this.#surface ??= surface;
      throw error;
    }
  }

  async #writeSleep(): Promise<void> {
    const sleep = this.#sleep;
    this.#sleep = undefined;
    try {
      await sleep?.();
    } catch (error) {
      // What is offered since then counts, and who offers something is awake.
      if (!this.#surface) this.#sleep ??= sleep;
      throw error;
    }
  }
}
