interface Settle<T> {
  resolve: (value: T) => void;
  reject: (error: Error) => void;
}

export interface PendingOptions {
  deadlineMs: number;
  signal?: AbortSignal | undefined;
  /** The error of a wait that took too long. */
  late: () => Error;
  /** Called once, whatever the end was. */
  ended?: () => void;
}

/** One wait that surely ends: by its result, its deadline or the caller's signal (not yet aborted), whichever comes first. */
export class Pending<T> {
  readonly promise: Promise<T>;
  readonly deadlineAt: number;
  readonly #options: PendingOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #abort = (): void => this.reject(abortReason(this.#options.signal));
  #settle: Settle<T> | undefined;

  constructor(options: PendingOptions) {
    this.#options = options;
    this.deadlineAt = Date.now() + options.deadlineMs;
    this.promise = new Promise<T>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#timer = setTimeout(() => this.reject(options.late()), options.deadlineMs);
    // The open connection keeps the process alive while somebody waits; a forgotten wait must not.
    this.#timer.unref();
    options.signal?.addEventListener('abort', this.#abort, { once: true });
  }

  get settled(): boolean {
    return this.#settle === undefined;
  }

  get remainingMs(): number {
    return Math.max(0, this.deadlineAt - Date.now());
  }

  resolve(value: T): void {
    const settle = this.#end();
    settle?.resolve(value);
  }

  reject(error: Error): void {
    const settle = this.#end();
    settle?.reject(error);
  }

  #end(): Settle<T> | undefined {
    const settle = this.#settle;
    if (settle === undefined) return undefined;
    this.#settle = undefined;
    clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener('abort', this.#abort);
    this.#options.ended?.();
    return settle;
  }
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error('The caller gave up', { cause: reason });
}

/** Resolves with the work, or with undefined when the deadline passes first; the work's own error passes through. */
export async function within<T>(work: Promise<T>, deadlineMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), deadlineMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Aborts after the asker's deadline, when there is one; returns what calls it off. */
export function abortAfter(controller: AbortController, deadlineMs: number): () => void {
  if (deadlineMs <= 0) return () => undefined;
  const timer = setTimeout(() => controller.abort(new Error('The asker has given up')), deadlineMs);
  timer.unref();
  return () => clearTimeout(timer);
}
