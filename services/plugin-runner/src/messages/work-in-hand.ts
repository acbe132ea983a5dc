/** After a lost connection a message comes again within seconds; what is not asked for by then comes from elsewhere or not at all. */
const KEEP_MS = 60_000;

interface Entry<Outcome> {
  outcome: Promise<Outcome>;
  forgetting?: NodeJS.Timeout;
}

/**
 * Work that runs in this process, or whose outcome still has to be told. A message that comes again after a lost connection, and an
 * outcome that could not be told at once, find the work here instead of having the plugin do it twice.
 */
export class WorkInHand<Outcome> {
  readonly #entries = new Map<string, Entry<Outcome>>();

  /** Runs the work unless it is in hand; work that could not be begun is not kept. */
  async once(id: string, run: () => Promise<Outcome>): Promise<Outcome> {
    let entry = this.#entries.get(id);
    if (!entry) this.#entries.set(id, (entry = { outcome: run() }));
    try {
      const outcome = await entry.outcome;
      this.#keepFor(id, entry);
      return outcome;
    } catch (error) {
      this.#forget(id, entry);
      throw error;
    }
  }

  /** The outcome is told; when the message was not acknowledged it will come again, and is answered from here. */
  end(id: string, acknowledged: boolean): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    if (acknowledged) this.#forget(id, entry);
    else this.#keepFor(id, entry);
  }

  /** From now on: who is still telling the outcome asks for it again and again, and when nobody tells it any more it is not kept. */
  #keepFor(id: string, entry: Entry<Outcome>): void {
    clearTimeout(entry.forgetting);
    entry.forgetting = setTimeout(() => this.#forget(id, entry), KEEP_MS).unref();
  }

  #forget(id: string, entry: Entry<Outcome>): void {
    clearTimeout(entry.forgetting);
    if (this.#entries.get(id) === entry) this.#entries.delete(id);
  }
}
