/** Wakes one who waits; rung while nobody waits, it is heard by the next who does. */
export class Bell {
  #rung = false;
  #waiter: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#waiter?.();
  }

  /** Resolves when the bell rings or after `ms`. */
  async wait(ms: number): Promise<void> {
    if (!this.#rung) {
      const heard = Promise.withResolvers<undefined>();
      const timer = setTimeout(() => heard.resolve(undefined), ms);
      this.#waiter = () => heard.resolve(undefined);
      await heard.promise;
      clearTimeout(timer);
      this.#waiter = undefined;
    }
    this.#rung = false;
  }
}
