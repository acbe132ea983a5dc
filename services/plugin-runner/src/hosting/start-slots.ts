/** How many isolates start at the same time: enough to fill the cores, few enough to leave some for the rest. */
const STARTS_AT_ONCE = 4;
/** A start that takes longer waits for something, and no longer needs the processor; a loop is ended before this. */
const HELD_AT_MOST_MS = 5_000;

/** What an admin waits for does not stand behind a take-over. */
export type StartReason = 'asked' | 'unasked';

/** Lets few processes start at once, so that a take-over, or a hundred admins, do not starve what runs already. */
export class StartSlots {
  #taken = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #heldAtMostMs: number;

  constructor(heldAtMostMs = HELD_AT_MOST_MS) {
    this.#heldAtMostMs = heldAtMostMs;
  }

  async run(start: () => Promise<void>): Promise<void> {
    if (this.#taken >= STARTS_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#taken += 1;
    let held = true;
    const release = () => {
      if (held) this.#release();
      held = false;
    };
    const timer = setTimeout(release, this.#heldAtMostMs);
    try {
      await start();
    } finally {
      clearTimeout(timer);
      release();
    }
  }

  /** The slot goes from hand to hand, so that nobody slips in between. */
  #release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#taken -= 1;
  }
}
