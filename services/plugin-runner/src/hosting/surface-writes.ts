import { pause } from '../pause.ts';

/** A plugin may change what it listens to as often as it likes; each change that is kept is told to every service. */
const APART_MS = 250;

type Write = () => Promise<void>;

/** What is to be written of one plugin's surface: one write at a time, of what waits only the latest, and few in a second. */
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
    while (this.#surface || this.#sleep) await this.#writeNext().catch(this.#failed);
    this.#writing = false;
  }

  async #writeNext(): Promise<void> {
    if (!this.#surface) {
      const sleep = this.#sleep;
      this.#sleep = undefined;
      await sleep?.();
      return;
    }
    const tooEarlyByMs = this.#nextAt - performance.now();
    if (tooEarlyByMs > 0) await pause(tooEarlyByMs);
    this.#nextAt = performance.now() + APART_MS;
    const surface = this.#surface;
    this.#surface = undefined;
    await surface();
  }
}
