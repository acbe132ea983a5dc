/** After a lost connection a message comes again within seconds; what is not asked for by then comes from elsewhere or not at all. */
const KEEP_MS = 60_000;

/**
 * Work that runs in this process, or whose outcome still has to be told. A message that comes again after a lost connection, and an
 * outcome that could not be told at once, find the work here instead of having the plugin do it twice.
 */
export class WorkInHand<Outcome> {
  readonly #outcomes = new Map<string, Promise<Outcome>>();

  /** Runs the work unless it is in hand; work that could not be begun is not kept. */
  async once(id: string, run: () => Promise<Outcome>): Promise<Outcome> {
    const outcome = this.#outcomes.get(id) ?? run();
    this.#outcomes.set(id, outcome);
    try {
      return await outcome;
    } catch (error) {
      this.#outcomes.delete(id);
      throw error;
    }
  }

  /** The outcome is told; when the message was not acknowledged it will come again, and is answered from here. */
  end(id: string, acknowledged: boolean): void {
    if (acknowledged) this.#outcomes.delete(id);
    else setTimeout(() => this.#outcomes.delete(id), KEEP_MS).unref();
  }
}
