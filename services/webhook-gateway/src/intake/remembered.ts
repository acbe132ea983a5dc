/** What was found is good for this long: a change by an admin counts within a second. */
const FRESH_MS = 1_000;
/** Addresses can be made up by anybody; those asked for longest ago are forgotten first. */
const MOST_REMEMBERED = 10_000;

/** Finds things that are asked for all the time at most once a second each. Failures are not remembered. */
export class Remembered<T> {
  readonly #found = new Map<string, { at: number; value: Promise<T> }>();

  find(key: string, look: () => Promise<T>): Promise<T> {
    const known = this.#found.get(key);
    if (known !== undefined && performance.now() - known.at < FRESH_MS) return known.value;
    return this.findNow(key, look);
  }

  /** The same, looked for now: what a second ago was true may have ended. */
  findNow(key: string, look: () => Promise<T>): Promise<T> {
    const value = look();
    this.#found.delete(key);
    this.#found.set(key, { at: performance.now(), value });
    const oldest = this.#found.keys().next();
    if (this.#found.size > MOST_REMEMBERED && oldest.done !== true) this.#found.delete(oldest.value);
    value.catch(() => this.forget(key));
    return value;
  }

  forget(key: string): void {
    this.#found.delete(key);
  }
}
