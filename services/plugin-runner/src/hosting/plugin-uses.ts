/** More than this nobody reads in a failure's report. */
const NAMED_AT_MOST = 5;

/** What a plugin is doing for somebody now: an event, a job, a request. */
export class PluginUses {
  readonly #open = new Map<Promise<unknown>, string>();
  #lastAt = performance.now();

  /** Counts as something the plugin does until `done` is settled. */
  async until<Result>(done: Promise<Result>, what: string): Promise<Result> {
    this.#open.set(done, what);
    try {
      return await done;
    } finally {
      this.#open.delete(done);
      this.touch();
    }
  }

  /** Somebody is about to need it. */
  touch(): void {
    this.#lastAt = performance.now();
  }

  /** `event risk:created, GET /activity`; undefined when it does nothing. */
  get what(): string | undefined {
    return this.#open.size === 0 ? undefined : [...this.#open.values()].slice(0, NAMED_AT_MOST).join(', ');
  }

  /** For how long it has had nothing to do; 0 while it has. */
  get idleMs(): number {
    return this.#open.size > 0 ? 0 : performance.now() - this.#lastAt;
  }

  /** Resolves when everything it does now is done. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#open.keys());
  }
}
