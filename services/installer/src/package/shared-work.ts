interface UnderWay<T> {
  result: Promise<T>;
  waiting: number;
  off: AbortController;
}

/** Work that several wait for: begun by the first of them, and called off when the last of them has gone. */
export class SharedWork<T> {
  readonly #underWay = new Map<string, UnderWay<T>>();

  async join(key: string, signal: AbortSignal, begin: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const work = this.#underWay.get(key) ?? this.#begin(key, begin);
    work.waiting += 1;
    const { promise: gone, reject } = Promise.withResolvers<never>();
    const leave = () => reject(signal.reason as Error);
    signal.addEventListener('abort', leave);
    try {
      return await Promise.race([work.result, gone]);
    } finally {
      signal.removeEventListener('abort', leave);
      work.waiting -= 1;
      if (work.waiting === 0) {
        // Who comes now begins anew, and does not wait for what was called off.
        if (this.#underWay.get(key) === work) this.#underWay.delete(key);
        work.off.abort();
      }
    }
  }

  #begin(key: string, begin: (signal: AbortSignal) => Promise<T>): UnderWay<T> {
    const off = new AbortController();
    const work = { result: begin(off.signal), waiting: 0, off };
    this.#underWay.set(key, work);
    const done = () => {
      if (this.#underWay.get(key) === work) this.#underWay.delete(key);
    };
    // When everybody has gone, nobody hears of its failure.
    work.result.then(done, done);
    return work;
  }
}
