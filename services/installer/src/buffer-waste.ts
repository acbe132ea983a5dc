/** A collection takes some 30 ms; this many bytes take longer to come. */
const COLLECT_EVERY = 8 * 1024 * 1024;

/**
 * Buffers that work goes through and leaves behind. They lie outside of V8's heap, and it does not look for them before there are 64 MB;
 * so whoever moves a package says how much, and it is collected on the way. Only where Node was started with --expose-gc.
 */
export class BufferWaste {
  #bytes = 0;

  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes >= COLLECT_EVERY) this.collect();
  }

  collect(): void {
    this.#bytes = 0;
    globalThis.gc?.();
  }
}
