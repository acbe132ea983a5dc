/** Runs a job when called; called while it runs, it runs once more afterwards, however often it was called. Failures go to `failed`. */
export class OneAtATime {
  readonly #job: () => Promise<void>;
  readonly #failed: (error: unknown) => void;
  #running: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(job: () => Promise<void>, failed: (error: unknown) => void) {
    this.#job = job;
    this.#failed = failed;
  }

  run(): void {
    if (this.#closed) return;
    this.#again = true;
    this.#running ??= this.#runUntilQuiet();
  }

  /** Nothing new begins; resolves when what runs has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#again = false;
    await this.#running;
  }

  async #runUntilQuiet(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        await this.#job();
      } catch (error) {
        this.#failed(error);
      }
    }
    this.#running = undefined;
  }
}
