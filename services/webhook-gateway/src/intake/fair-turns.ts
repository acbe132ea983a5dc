/** Gives as many turns at a time as may be worked side by side, going round the tenants that wait: a flood of one keeps nobody else waiting. */
export class FairTurns {
  readonly #atOnce: number;
  #taken = 0;
  /** Who waits, by tenant; the tenant whose turn is next is first. */
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  async run<T>(tenant: string, work: () => Promise<T>): Promise<T> {
    await this.#take(tenant);
    try {
      return await work();
    } finally {
      this.#pass();
    }
  }

  #take(tenant: string): Promise<void> {
    if (this.#taken < this.#atOnce) {
      this.#taken += 1;
      return Promise.resolve();
    }
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const queue = this.#waiting.get(tenant);
    if (queue === undefined) this.#waiting.set(tenant, [() => resolve(undefined)]);
    else queue.push(() => resolve(undefined));
    return promise;
  }

  /** The turn goes to the first of the tenant that waits longest for one, which then goes behind the others. */
  #pass(): void {
    const next = this.#waiting.entries().next();
    if (next.done === true) {
      this.#taken -= 1;
      return;
    }
    const [tenant, queue] = next.value;
    const wake = queue.shift();
    this.#waiting.delete(tenant);
    if (queue.length > 0) this.#waiting.set(tenant, queue);
    wake?.();
  }
}
