export interface CircuitBreakerOptions {
  /** Failures in a row after which nobody is asked for a while. */
  failures?: number;
  /** Milliseconds until one is let through to try. */
  openMs?: number;
  /** Called when it opens. */
  opened?: (key: string) => void;
}

interface Trouble {
  failures: number;
  /** Undefined while it is closed. */
  tryAt: number | undefined;
}

const FAILURES = 5;
const OPEN_MS = 5_000;
/** Each key has few bytes, and only those in trouble are kept. */
const MOST_KEYS = 10_000;

/** Spares whoever waits for something that has not answered several times in a row. Each key has a circuit of its own. */
export class CircuitBreaker {
  readonly #options: Required<CircuitBreakerOptions>;
  readonly #troubles = new Map<string, Trouble>();

  constructor(options: CircuitBreakerOptions = {}) {
    this.#options = { failures: FAILURES, openMs: OPEN_MS, opened: () => undefined, ...options };
  }

  /** False while it is open; when its time is over, one may try and the others wait for how that ends. */
  mayTry(key: string): boolean {
    const trouble = this.#troubles.get(key);
    if (trouble?.tryAt === undefined) return true;
    if (Date.now() < trouble.tryAt) return false;
    trouble.tryAt = Date.now() + this.#options.openMs;
    return true;
  }

  succeeded(key: string): void {
    this.#troubles.delete(key);
  }

  failed(key: string): void {
    const trouble = this.#troubles.get(key) ?? { failures: 0, tryAt: undefined };
    if (!this.#troubles.has(key)) this.#keep(key, trouble);
    trouble.failures += 1;
    if (trouble.failures < this.#options.failures) return;
    if (trouble.tryAt === undefined) this.#options.opened(key);
    trouble.tryAt = Date.now() + this.#options.openMs;
  }

  #keep(key: string, trouble: Trouble): void {
    this.#troubles.set(key, trouble);
    if (this.#troubles.size <= MOST_KEYS) return;
    const [oldest] = this.#troubles.keys();
    if (oldest !== undefined) this.#troubles.delete(oldest);
  }
}
