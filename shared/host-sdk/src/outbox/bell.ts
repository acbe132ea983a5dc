/** Wakes who waits, and remembers a ring that nobody waited for. */
export class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Forgets the rings so far. */
  silence(): void {
    this.#rung = false;
  }

  /** Resolves at the next ring, at once when there was one since `silence`, and after `ms` in any case. */
  async heard(ms: number): Promise<void> {
    if (this.#rung) return;
    const woken = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => woken.resolve(undefined), ms);
    this.#wake = () => woken.resolve(undefined);
    await woken.promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }
}
