/** How many isolates start at the same time: enough to fill the cores, few enough to leave some for the rest. */
const STARTS_AT_ONCE = 4;

/** Lets few plugins start at once, so that a take-over does not starve what runs already. */
export class StartSlots {
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  async run(start: () => Promise<void>): Promise<void> {
    if (this.#taken >= STARTS_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#taken += 1;
    try {
      await start();
    } finally {
      const next = this.#waiting.shift();
      // The slot goes from hand to hand, so that nobody slips in between.
      if (next) next();
      else this.#taken -= 1;
    }
  }
}
