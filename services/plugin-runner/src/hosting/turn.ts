/** So many looks in a row have to find a handler waiting: a single one may hit the moment between two callbacks. */
const IDLE_LOOKS = 2;

/** Whether the process that runs a handler runs, or waits for a processor; undefined when nobody says. */
export type WantsProcessor = () => boolean | undefined;

/** The turn of one event handler: while it lasts, it counts as one of those that share the processors. */
export class Turn {
  readonly #wantsProcessor: WantsProcessor;
  readonly #release: (turn: Turn) => void;
  readonly #beganAt = performance.now();
  #idleLooks = 0;

  constructor(wantsProcessor: WantsProcessor, release: (turn: Turn) => void) {
    this.#wantsProcessor = wantsProcessor;
    this.#release = release;
  }

  get tookMs(): number {
    return performance.now() - this.#beganAt;
  }

  /** The handler is done. */
  end(): void {
    this.#release(this);
  }

  /** Ends the turn of a handler that waits for something else than a processor: others may run meanwhile. */
  look(): void {
    this.#idleLooks = this.#wantsProcessor() === true ? 0 : this.#idleLooks + 1;
    if (this.#idleLooks >= IDLE_LOOKS) this.#release(this);
  }
}
