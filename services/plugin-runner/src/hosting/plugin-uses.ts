/** More than this nobody reads in a failure's report. */
const NAMED_AT_MOST = 5;
/** The end of a connection is noticed before the end of the process that caused it. */
const JUST_FAILED_MS = 1_000;

/** What a plugin is doing for somebody now: an event, a job, a request. */
export class PluginUses {
  readonly #open = new Map<Promise<unknown>, string>();
  #lastAt = performance.now();
  #failed: { what: string; at: number } | undefined;

  /** Counts as something the plugin does until `done` is settled. */
  async until<Result>(done: Promise<Result>, what: string): Promise<Result> {
    this.#open.set(done, what);
    try {
      return await done;
    } catch (error) {
      this.#failed = { what, at: performance.now() };
      throw error;
    } finally {
      this.#open.delete(done);
      this.touch();
    }
  }

  /** Somebody is about to need it. */
  touch(): void {
    this.#lastAt = performance.now();
  }

  get busy(): boolean {
    return this.#open.size > 0;
  }

  /** What a process that has just ended was doing: `event risk:created, GET /activity`; undefined when it did nothing. */
  get lastWords(): string | undefined {
    const failed = this.#failed && performance.now() - this.#failed.at < JUST_FAILED_MS ? [this.#failed.what] : [];
    const named = [...this.#open.values(), ...failed].slice(0, NAMED_AT_MOST);
    return named.length === 0 ? undefined : named.join(', ');
  }

  /** For how long it has had nothing to do; 0 while it has. */
  get idleMs(): number {
    return this.busy ? 0 : performance.now() - this.#lastAt;
  }

  /** Resolves when everything it does now is done. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#open.keys());
  }
}
